"""`python -m player`: the command `player`; in a prompt (`ipython -i -m player`) the Bank `p`, as
in `player shell`."""

import sys

from groundwork.launch import player

_ipython = sys.modules.get("IPython")
if sys.flags.interactive or (_ipython is not None and _ipython.get_ipython() is not None):
    from player.commands import namespace_of_prompt

    globals().update(namespace_of_prompt(sys.argv[1:]))
else:
    sys.exit(player())
