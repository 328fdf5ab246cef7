"""The command `difx-gateway`: a Player with one Bank of correlator jobs and its endpoint for clients of a
DiFX guiServer.

Nothing heavy is imported up here: signals have to be taken over before the first second is gone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from commandline import run_command
from gateways.difx import parsers
from player.lifecycle import EndSignals, Notifier
from player.programs import serve_to_the_end, status_of

if TYPE_CHECKING:
    from player.host import Host
    from player.tables import Config

__all__ = ["main"]


def _serve(argv: Sequence[str]) -> int:
    options = parsers.build_parser().parse_args(argv)

    def serve(signals: EndSignals, notifier: Notifier) -> bool:
        from gateways.difx.options import PROGRAM, array_config

        config = array_config(options, os.environ)

        def tell_ready(host: Host) -> None:
            _tell_ready(host, config)

        return PROGRAM.run(
            options, os.environ, config, options.log_level, signals, notifier, tell_ready
        )

    return serve_to_the_end(serve)


def _tell_ready(host: Host, config: Config) -> None:
    """Print the line that whoever starts the program waits for."""
    from gateways.difx.options import PROGRAM

    endpoint = PROGRAM.endpoint_name(config.source.tables, host.name)
    at = host.endpoint_urls[endpoint].removeprefix("tcp://")
    print(f"ready: clients at {at}, {host.name} for Dealers at {host.url}", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 done, 1 failed, 2 usage or configuration."""
    line = list(sys.argv[1:] if argv is None else argv)
    return run_command(
        parsers.PROGRAM,
        lambda: status_of(parsers.PROGRAM, lambda: _serve(line)),
        must_write=False,
    )


if __name__ == "__main__":
    sys.exit(main())
