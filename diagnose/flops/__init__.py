"""MACs and FLOPs: one forward pass on meta tensors, every operator counted by a formula over shapes.

1. `run` builds each model and counts it; it is the one way in.
2. `count` runs the pass. `tally` sees every operator, `module_stack` knows the module that it runs in, and
   `formulas.shapes` skips kernels whose result is known.
3. `formulas.formula_registry` finds the formula of an operator; a formula reads an `operator_call` and returns its
   work.
4. Where asked for, `other_tools` explains the counts of other tools and `reported` a reported number. `predict` tells
   from the layout alone which edits of the network are worth counting.
5. `convention`, `tables` and `phrases` word the answer, `operation_data` holds its raw numbers, `report` makes the
   `Report`.
"""
