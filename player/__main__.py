"""`python -m player`: the command `player`; in a prompt (`ipython -i -m player`) the Bank `p`, as
in `player shell`."""

import sys

from player.cli import main
from player.commands import namespace_of_prompt

_ipython = sys.modules.get("IPython")
if sys.flags.interactive or (_ipython is not None and _ipython.get_ipython() is not None):
    globals().update(namespace_of_prompt(sys.argv[1:]))
else:
    sys.exit(main())
