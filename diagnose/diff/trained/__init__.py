"""Trained networks: two networks with the weights of their checkpoints.

`compare_trained` tells which weights differ and where the activations first part. `report` puts that into sections,
also for a converted checkpoint.
"""
