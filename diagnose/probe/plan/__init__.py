"""The plan of a probe, made before anything is trained.

1. `arms` lists the ways of training between two recipes: both ends, the controls, each suspect by itself.
2. `checks` refuses what no trial can do, and remarks what a reader would not expect.
3. `timing` times a few steps and chooses the fastest numerics and parallelism.
4. `plan` multiplies arms by seeds, and shrinks the plan to fit a budget.
5. `stored_plan` keeps the decisions, so that the same request again continues the same trials.

`limits` says how much may be asked for at all.
"""
