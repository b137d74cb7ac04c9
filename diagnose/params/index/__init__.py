"""The index of what exists: the networks of torchvision, timm and mmpretrain, counted, and the numbers that they meet.

1. `network_index` reads the data file, which benchmarks/build_index.py writes.
2. `lookup` finds the networks that a reported number names, and judges how often chance would find one as well.
"""
