"""`python -m dealer`: the command `dealer`."""

import sys

from groundwork.launch import dealer

sys.exit(dealer())
