"""Trained networks: two networks with the weights of their checkpoints.

`compare_trained` tells which weights differ and where the activations first part; `trained_comparison` holds what it
returns. `report` puts that into sections, `conversion` what became of a converted checkpoint.
"""
