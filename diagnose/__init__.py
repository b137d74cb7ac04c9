"""A reproduction debugger for PyTorch models."""
