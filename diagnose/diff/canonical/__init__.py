"""The canonical form: networks that compute the same function by the rules become the same graph.

`canonical` runs the table of `rules` over a graph until nothing changes. `builder` adds the operations one by one,
applies the first rule that fits and keeps which rules it applied; `patterns` states rules as formulas. `axes` reduces
any chain of reshapes and permutations to one arrangement, and `axis_moves` lets slices and layers change places with
one.
"""
