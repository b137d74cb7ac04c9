"""A reported number of operations: which convention, tool, input or small edit of the network gives it.

`counting_conventions` lists the figures that one counted pass can stand for. `variants` counts the network at other
inputs and with the small changes of `edits`. `search_operations` compares all of these with the reported number and
keeps those that meet it.
"""
