"""Edits: one change of a layout each, with its cost in plausibility and the published code that has it.

`edit` defines what an edit is. `block_layers` adds and removes layers of the blocks, `block_options` changes what their
layers have, `ends` the stem and the head, `embeddings` the vocabulary and the positions; `depths`, `widths` and `dense`
change the whole structure. `free_number` solves for whole numbers that no list holds.
Each file maps a layout to its edits, or to the reason why there are none. `families` lists them all: a new one is one
function and one entry there.
"""
