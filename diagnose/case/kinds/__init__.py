"""The kinds of claim, one file each: which keys it reads, how it is measured, and how the measurement is judged.

`comparison` and `trained` hold what several kinds show as evidence: a diff of two networks, and the effects of trials.
"""
