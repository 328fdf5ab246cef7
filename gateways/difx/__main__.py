"""`python -m gateways.difx`: the command `difx-gateway`."""

import sys

from groundwork.launch import difx_gateway

if __name__ == "__main__":
    sys.exit(difx_gateway())
