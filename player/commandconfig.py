"""Configuration that the words of a command line name, and the options that commands of `player` share.

Nothing heavy is imported up here: signals have to be taken over before the first second is gone.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from commandline import argument, flag, say

if TYPE_CHECKING:
    from player.tables import Config

__all__ = [
    "CONFIG",
    "INSTALLATION",
    "JSON",
    "LOG_JSON",
    "SIMULATE",
    "chosen_bank",
    "load_and_warn",
    "load_config",
    "local_host",
]

CONFIG = argument(
    "--config FILE",
    "the array's TOML file; default: $DIBAS_CONFIG, else $DIBAS_DIR/etc/config/dibas.toml",
    type=Path,
)
SIMULATE = flag("--simulate", "touch no real instrument")
JSON = flag("--json", "answer in JSON")
LOG_JSON = flag("--log-json", "log in JSON, one object a line")
INSTALLATION = (
    flag("--simulate", "start the Players with --simulate"),
    argument(
        "--python EXE",
        "interpreter of the Players; default: the one that runs this",
        type=Path,
        default=Path(sys.executable),
    ),
)
"""Ways in which this installation starts Players, for files that make others start them."""


def local_host() -> str:
    """Return the name of this host."""
    import socket

    return socket.gethostname()


def load_config(given: Path | None) -> Config:
    """Return the configuration of a file that was named, or that the environment names."""
    from player.config import find_file, load

    return load(find_file(given, os.environ), os.environ)


def load_and_warn(given: Path | None) -> Config:
    """Return the same, and say what deserves a look."""
    config = load_config(given)
    for warning in config.warnings:
        say("warning", warning)
    return config


def chosen_bank(config: Config, given: str | None) -> str:
    """Return the Bank that was named, or the one of this host."""
    from player.config import pick_bank

    return pick_bank(config, given, local_host())
