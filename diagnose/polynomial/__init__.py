"""The degree of a network, or of each of its blocks, as a polynomial of its input.

1. `restrict` gives a network random weights, freezes its ReLUs at one input and restricts it to a line.
2. `degree` fits the values on that line in float64 and tests the fit at points that were held out; for a whole network
   it reads the degree off the growth.
"""
