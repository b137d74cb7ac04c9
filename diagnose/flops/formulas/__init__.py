"""Formulas: an operator's MACs and operations from the shapes of its operands.

`products` covers convolutions, matrix products and attention; `layers` norms, pooling and reductions; `elementwise`
what works element by element or only moves values; `backward` the gradients that are none of these. Each of these
has a table `ENTRIES` from an operator's name to its formula. `formula_registry` collects the tables; `shapes` tells
results from shapes alone, without a kernel.
"""
