"""The screen when keys are typed at the prompt of `dealer`: `python -m
support.transcript CONFIG`."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from support.player_run import clean_environment
from support.terminal import Terminal

KEYS: Sequence[tuple[str, str]] = (
    ("d.set_pa\t", r"d\.set_param\("),
    ("expo\t", r"exposure="),
    ("0.5)\n", r">>> "),
    ("d.add_active_player('BANKB')\n", r">>> "),
    ("d.list_m\t", r"d\.list_modes\(\)"),
    ("\n", r">>> "),
    ("d.set_mode('MODE1')\n", r">>> "),
    ("d.set_param(exposure=0.5)\n", r">>> "),
    ("d['BANKA'].get_\t\t", r"get_status\(\s.*>>> d\['BANKA'\]\.get_"),
    ("mode()\n", r">>> "),
    ("\x04", r"$"),
)
"""Keys (a tab completes), and what is waited for before the next."""
# The standard prompt is what every installation has; IPython completes and shows in its own ways.
PROGRAM = "import sys; sys.modules['IPython'] = None; from dealer.cli import main; sys.exit(main())"


def transcript(config: Path) -> str:
    """Return the text of the screen, line for line, without what moves the cursor."""
    words = [sys.executable, "-c", PROGRAM, "--config", str(config)]
    with Terminal(*words, env=clean_environment(TERM="dumb"), columns=100) as terminal:
        shown = terminal.wait_for(r">>> ")
        for keys, until in KEYS:
            terminal.type(keys)
            shown += terminal.wait_for(f"(?s){until}")
        terminal.wait()
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|[\x07\r]", "", shown)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


if __name__ == "__main__":
    print(transcript(Path(sys.argv[1])), end="")
