"""Edits: one change of a layout each, with its cost in plausibility and the published code that has it.

`edit` defines what an edit is. `blocks` changes layers inside the blocks, `ends` the stem, the head and the embeddings,
`structure` the number of blocks and the widths. Each file maps a layout to its edits, or to the reason why there are
none. `families` lists them all: a new one is one function and one entry there.
"""
