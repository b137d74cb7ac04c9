"""Explanation: from an alignment and its numbers to findings.

`changes` describes the edits that make A into B, one by one. `conclusions` groups them and says of each whether it is
real, cosmetic or undetermined. `cosmetic` lists what looks different in the printed modules and is not. `module_tree`
draws both module trees side by side. `phrases` names operations and places.
"""
