"""Rules of the second canonical form, which is used only if it brings two graphs nearer to each other.

In it a 1×1 convolution is a linear layer over the channels, a recurrent layer is its steps, and what is joined of two
halves is computed on each. These forms have more and smaller operations, in which a difference is harder to place.
"""
