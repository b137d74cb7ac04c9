"""The graph of a network: its values, and what is computed on any graph.

`graph` defines `Graph` and `Node`. `operation_table` says what each operation is: a new one is one row.
`interpreter` runs a graph operation by operation, by the `kernels` that the table names. `digest` gives equal parts of
two graphs equal digests. `skeleton` leaves the weights out and cuts a graph into segments, for the alignment.
"""
