"""The command `dashboard` as `python -m dashboard`."""

import sys

from groundwork.launch import dashboard

sys.exit(dashboard())
