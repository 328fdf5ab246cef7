"""`python -m portmanager`: the command `portmanager`."""

import sys

from groundwork.launch import portmanager

sys.exit(portmanager())
