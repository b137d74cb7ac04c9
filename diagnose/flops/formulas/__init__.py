"""Formulas: an operator's MACs and operations from the shapes of its operands.

`products` covers convolutions, matrix products and attention; `layers` norms, pooling and reductions; `elementwise`
what works element by element or only moves values; `backward` the gradients that are none of these. Each module has a
table `ENTRIES` from an operator's name to its formula.
"""
