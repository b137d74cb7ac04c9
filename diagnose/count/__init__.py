"""Counting: parameters, FLOPs, and the edits that would close a parameter gap."""
