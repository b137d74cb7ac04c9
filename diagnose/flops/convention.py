"""The convention in words: what each kind of operator counts as."""

KINDS: tuple[tuple[str, str], ...] = (
    ("convolution", "MACs: output elements × input channels per group × kernel, padding included; 1 per bias added"),
    ("linear", "MACs of a matrix product with a weight: output elements × inner size; 1 per bias added"),
    ("product of activations", "MACs of a matrix product whose two factors both depend on the input"),
    ("attention", "MACs of Q Kᵀ and of its product with V, a causal mask in full; 1 for the scale, 5 for the softmax"),
    ("Hadamard product", "1 per element: two tensors of the same shape that both depend on the input"),
    ("activation", "1 per element, whichever function; 2 for a gated linear unit"),
    ("elementwise", "1 per output element of each pointwise operator, exponentials too; 2 where it fuses two"),
    (
        "norm",
        "batch norm in eval mode 2 per element; with the batch's own statistics 5, and 2 for scale and shift; "
        "a weight norm 3 per weight",
    ),
    ("softmax", "5 per element: maximum, difference, exponential, sum, division"),
    ("pooling", "1 per element of each window; a maximum one fewer"),
    ("reduction", "1 per element read; a mean one more per result, a variance 4 per element read"),
    ("resampling", "a weighted sum: 7 per element for bilinear, 31 for bicubic, 0 for nearest neighbour"),
    ("data movement", "0: copies, concatenations, look-ups and new tensors compute nothing"),
)
