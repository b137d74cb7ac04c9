"""The proof by numbers, in float64: whether the two networks agree with the same weights, and where they part.

1. `random_weights` fills all weights, and fixes every random operation; `ranges` bounds the inputs that are indices.
2. `transplant` puts A's weights into B and compares outputs, gradients and buffers; `distance` says how far two tensors
   are apart, and what they are held to; `doubles` makes the copies in float64. `gradients` names the weights whose
   gradients differ beside equal outputs, `returned` compares what else is returned.
3. `localise` feeds A's activations into B at every aligned operation and finds where the difference arises.
4. `experiments` uses these on two aligned networks: it holds the rules to the numbers, and tries single changes.
5. `sizes` and `reach` try inputs of other sizes and of other kinds, on which another path may be taken.
"""
