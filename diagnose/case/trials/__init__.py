"""The trials that claims are judged by.

1. `stored_trials` finds the trials that were already trained: journals of probes, and the file that goes with a case.
2. `comparable_trials` lays them out as the probes between two recipes that they are part of, with their effects.
3. `requested_trials` lists the probes that a case asks for, and `run_trials` runs them.
"""
