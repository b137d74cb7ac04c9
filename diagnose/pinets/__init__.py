"""The built-in case: Π-nets, residual networks with a second-order term in each block.

`backbones` registers the backbones in mmpretrain's registry, and `configs/` holds a config that trains one.
`networks` builds the networks behind the `aliases` `torch`, `mm`, `prodpoly` and others. `stated` lists what the paper
and the authors' code state of them, which the gap search then does not change; `arguments` has the options that make an
edit of the gap search. `recipes/` holds the training recipes, `cases/` the case file with its trials.

This package is a plugin like any other (`diagnose.plugins`): it imports the house, and the house calls the hooks in
`plugin`. Nothing else in the house knows it.
"""
