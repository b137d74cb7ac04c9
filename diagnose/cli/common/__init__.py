"""What the commands share: `options` parses, `output` and `pages` write, `listening` shows progress.

`last_resort` ends a command at an error that nothing foresaw; `exit_codes` says with which number a command ends.
"""
