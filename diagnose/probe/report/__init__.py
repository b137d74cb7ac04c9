"""What a probe says.

`report` makes the `Report`: verdict, effects, what they stand on, and curves. `phrases` words the effects, `quantities`
the numbers. `probe_data` holds the raw values, `curves` draws the learning curves, `tensorboard` writes them for
TensorBoard.
"""
