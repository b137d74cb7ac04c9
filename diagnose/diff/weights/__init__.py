"""Weights: which tensors of A hold what which tensors of B hold.

`mapping` reads the pairs off the alignment and applies them to state dicts and gradients. `unpaired` tries on numbers
what the alignment left without a counterpart; `correspondences` lists the ways to try. `initial` compares how both
networks draw their first weights. `state_kinds` tells which tensors are trained, changed or fixed; `fixed` compares by
value those that neither network changes. `checkpoint` fills a network from a file and converts one network's file into
the other's; `checkpoint_file` reads and writes the formats without running anything that a file holds.
"""
