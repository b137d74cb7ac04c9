"""Probes: short, paired training trials that tell which suspects have an effect on the accuracy.

1. `request` holds what the user asks for; `run` is the one way in and does the steps below.
   `answer` has its middle part, from the plan to the effects.
2. `plan` decides which trials to run: arms, seeds, numerics, and what fits the budget.
3. `data` reads the images once.
4. `executors` run the trials, here or on a Ray cluster. `trial` is what happens in one of them.
5. `effects` compares the arms and says how sure each effect is.
6. `report` turns the answer into a `Report`, JSON and curves.
"""
