"""Parameters: every tensor of a network counted, and a reported number explained.

1. `run` builds each model and counts it; it is the one way in.
2. `table` lists every tensor with its place and its kind. `usage` runs one forward pass on meta tensors and tells which
   parameters it reads.
3. Where asked for, `side_by_side` lays the tables of two models side by side, `other_tools` explains the counts of
   other tools, and `gap` searches for edits that give a reported number. `reported` reads that number as an interval.
4. `report` turns the answer into a `Report`; `models_report` does so for `diagnose models`.
"""
