"""Explanation: from an alignment and its numbers to findings.

`changes` describes the edits that make A into B, one by one. `conclusions` groups them and says of each whether it is
real, cosmetic or undetermined. `cosmetic` lists what looks different in the printed modules and is not. `module_tree`
draws both module trees side by side. `returns`, `state_findings` and `path_findings` say what differs beside the
graphs: in what is returned, in constants and in what is trained, and on other paths. `phrases` names operations and
places.
"""
