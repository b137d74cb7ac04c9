"""The graph of a network: its values, and what is computed on any graph.

`graph` defines `Graph` and `Node`. `interpreter` runs a graph, operation by operation. `digest` gives equal parts of
two graphs equal digests. `skeleton` leaves the weights out and cuts a graph into segments, for the alignment.
"""
