"""`python -m portmanager`: the command `portmanager`."""

import sys

from portmanager.cli import main

sys.exit(main())
