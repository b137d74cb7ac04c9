"""Capture: a network and its inputs become a graph of operations.

1. `export` asks `torch.export`; where that cannot follow the code, `record` runs the network and writes down every
   operator call. Both write a `tape`, and `leaves` tells which tensors are weights, buffers and constants.
2. `functionalise` turns a tape with views and in-place writes into a graph without them.
3. `capture` does both in one mode and brings the graph into canonical form.
   `results` tells where the outputs stand in what the network returns.
4. `reads` notes what a pass reads into Python, and `draws` what it draws there; `paths` follows the other ways.
5. `steady` tells whether the network computes the same each time.
"""
