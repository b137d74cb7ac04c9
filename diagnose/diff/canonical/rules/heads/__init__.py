"""Rules of the canonical form for attention: softmax, masks, shared heads, and the whole of them."""
