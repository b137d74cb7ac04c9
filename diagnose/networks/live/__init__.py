"""A module that the caller has built already becomes a network like the others, and is left as it was.

`live_network` is the origin of these. `private_copy` copies the module without its values; `live_hooks` finds the hooks
that a copy would lose.
"""
