"""`python -m zmqjsonproxy`: the commands `record` and `replay`, where the command `dealer` is not
installed."""

import sys

from groundwork.launch import zmqjsonproxy

sys.exit(zmqjsonproxy())
