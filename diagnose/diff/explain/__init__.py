"""From differences to findings: which are real, which only look so, and which cannot be told.

1. `changes` gives every difference a kind and its `facts`: `pieces` looks at operations without a partner,
   `pair_changes` at matched ones. `change` holds one with its evidence.
2. `cosmetic` finds what looks different in the modules and is not.
3. `returns`, `state_findings` and `path_findings` say what differs beside the graphs: in what is returned, in constants
   and in what is trained, and on other paths.
4. `conclusions` groups the changes into findings and gives the verdict. `phrases` words them.
5. `module_tree` puts the two module trees side by side.
"""
