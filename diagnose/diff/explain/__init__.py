"""From differences to findings: which are real, which only look so, and which cannot be told.

1. `changes` gives every difference a kind and its `facts`: `pieces` looks at operations without a partner,
   `pair_changes` at matched ones. `change` holds one with its evidence.
2. `cosmetic` finds what looks different in the modules and is not.
3. `conclusions` groups the changes into findings and gives the verdict. `phrases` words them.
4. `module_tree` puts the two module trees side by side.
"""
