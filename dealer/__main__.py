"""`python -m dealer`: the command `dealer`."""

import sys

from dealer.cli import main

sys.exit(main())
