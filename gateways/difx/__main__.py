"""`python -m gateways.difx`: the command `difx-gateway`."""

import sys

from gateways.difx.cli import main

if __name__ == "__main__":
    sys.exit(main())
