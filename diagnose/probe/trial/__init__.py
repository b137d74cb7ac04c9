"""One trial: one network, trained from one seed.

1. `spec` says what a trial is to do, and how long; it is the key of the trial. `hyperparameters` are what the trial
   trains with. `devices` lists the devices of this machine.
2. `worker` is the process of a trial.
3. `initial_weights` builds and initialises the network; `augment` makes the batches; `train` is the loop.
4. `journal` keeps one line per epoch and a checkpoint to continue from; `mend` finds what is damaged of them.
"""
