"""Two networks compared: whether they compute the same function, where they differ, and which differences matter.

1. `run` builds both networks and gives them inputs; it is the one way in. `compare` does the steps below.
2. `capture` records what each network computes, as a graph (`ir`).
3. `canonical` rewrites both graphs by rules, so that equal computations become equal graphs.
4. `align` finds which operation of A is which of B.
5. `weights` reads off which weights of A are which of B.
6. `proof` puts A's weights into B and compares outputs, gradients and buffers in float64; where they differ, it finds
   the place.
7. `explain` turns the differences into findings: real, cosmetic or undetermined.
8. `trained` compares networks that come with checkpoints. `report` turns the answer into a `Report`.
"""
