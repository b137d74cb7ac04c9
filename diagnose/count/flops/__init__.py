"""MACs and FLOPs of a network: one forward pass on meta tensors, every operator by a formula over shapes."""
