"""`python -m diagnose`."""

import os
import sys

# Python puts the working folder first, where a file named as a library would be imported in its place.
if not sys.flags.safe_path and os.path.realpath(sys.path[0]) != os.path.dirname(os.path.dirname(__file__)):  # noqa: PTH120
    del sys.path[0]

from diagnose.start import main

main()
