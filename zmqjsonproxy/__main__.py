"""`python -m zmqjsonproxy`: the commands `record` and `replay`, where the command `dealer` is not
installed."""

import sys

from zmqjsonproxy.recording import main

sys.exit(main())
