"""Other tools: their figures for the same pass, and the causes of each difference to ours.

`tools` runs FlopCounterMode and torchinfo, `fvcore` runs fvcore; both state the rules by which the tool's figure
differs. `cross_check` computes the amount of each cause from our own rows and shows what remains.
"""
