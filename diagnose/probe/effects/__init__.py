"""From trials to effects.

1. `comparisons` lists what is compared with what, decided before looking at any accuracy.
2. `statistics` has the intervals, corrected p-values, power and shares.
3. `effects` compares the arms with the controls that limit what may be said.
4. `horizons` does so for each length of training, and tells which effects change their sign.
"""
