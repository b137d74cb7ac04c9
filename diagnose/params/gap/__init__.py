"""The parameter gap: which small sets of edits, under which counting convention, give the reported number.

1. `layout` reads the network as groups of equal blocks, whose counts are sums of integers.
2. `edits` proposes changes of a layout; `parameter_conventions` lists what a document may have counted.
3. `search` tries every set of edits up to a cost, cheapest first.
4. `verify` builds the edited model, by its own arguments or by `build_edited`, and counts it once more.
5. `chance` tells how many random numbers as cheap a solution would meet, and so which solution stands out; `slips`
   finds the misread or swapped digit that explains the number as well.
6. `known_facts` tells what documents state of the model: solutions that contradict it come last.
7. `other_rows` applies a solution to another row of the same table.
8. `explain` runs these steps and orders the solutions; `report` puts them into sections.
"""
