"""A decoder of about seven billion parameters, written as a user would: torch.nn, 32 layers of width 4096."""

import torch
from torch import nn
from torch.nn import functional as F

WIDTH, LAYERS, HEADS, INNER, VOCABULARY = 4096, 32, 32, 11008, 32000


class Layer(nn.Module):
    """Attention and a gated feed-forward layer, each behind a norm."""

    def __init__(self):
        super().__init__()
        self.norm1 = nn.RMSNorm(WIDTH)
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))
        self.norm2 = nn.RMSNorm(WIDTH)
        self.gate, self.up = (nn.Linear(WIDTH, INNER, bias=False) for _ in range(2))
        self.down = nn.Linear(INNER, WIDTH, bias=False)

    def forward(self, x):
        """Map (N, T, WIDTH) to the same shape."""
        n, t, _ = x.shape
        y = self.norm1(x)
        heads = (layer(y).view(n, t, HEADS, -1).transpose(1, 2) for layer in (self.query, self.key, self.value))
        attended = F.scaled_dot_product_attention(*heads, is_causal=True)
        x = x + self.out(attended.transpose(1, 2).reshape(n, t, WIDTH))
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Decoder(nn.Module):
    """Token embedding, layers, norm and an output layer of its own."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, WIDTH)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = nn.RMSNorm(WIDTH)
        self.output = nn.Linear(WIDTH, VOCABULARY, bias=False)

    def forward(self, tokens):
        """Map token numbers (N, T) to logits (N, T, VOCABULARY)."""
        x = self.tokens(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.output(self.norm(x))


def parameters():
    """Return the number of parameters in closed form."""
    layer = 4 * WIDTH**2 + 3 * WIDTH * INNER + 2 * WIDTH
    return LAYERS * layer + 2 * VOCABULARY * WIDTH + WIDTH


def on_meta():
    """Return the decoder on the meta device, for tools that cannot build without weights themselves."""
    with torch.device("meta"):
        return Decoder()
