"""A training script observed as it runs: what acts, held against what a recipe states.

    >>> script = watch(["train.py", "--lr", "0.1"], Shortening())
    >>> compare(recipe_of(script), load("paper"))

1. `launch` runs the command as a child; `startup` puts the `hooks` into every Python process of it, which write what
   they see into logs of their own.
2. `process_logs` reads the logs back, and `training_log` answers questions to the one of the process that trained.
3. `optimizer_fields`, `schedule_fields`, `data_fields` and `training_fields` read the fields of a recipe off it, each
   with its evidence or the reason why it is not observed; `observed_facts` reads what no field holds.
4. `faults` looks for silent faults.
5. `saved_recipe` writes the recipe that acted; `phrases` words the evidence, and `report` makes a `Report`.

Nothing here imports torch, but for `hooks`, which only run in the script's own processes.
"""

from diagnose.watch.launch import Shortening
from diagnose.watch.run import read, watch
from diagnose.watch.saved_recipe import recipe_of, toml_of

__all__ = ["Shortening", "read", "recipe_of", "toml_of", "watch"]
