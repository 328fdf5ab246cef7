"""The command `dashboard`. Exit status 0 done, 1 failed, 2 usage or configuration.

Nothing heavy is imported up here: signals have to be taken over before the first second is gone.
"""

from __future__ import annotations

import argparse
import logging
import os
import queue
import sys
from collections.abc import Sequence
from pathlib import Path

from commandline import carry_out, run_command
from dashboard.parsers import PROGRAM, build_parser
from dealer.errors import ConfigurationError
from player.lifecycle import EndSignals, Notifier
from player.programs import serve_to_the_end, status_of
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.keys import KeyFileError, KeyRing

__all__ = ["main"]

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    line = list(sys.argv[1:] if argv is None else argv)
    return run_command(PROGRAM, lambda: status_of(PROGRAM, lambda: _main(line)), must_write=False)


def _main(line: Sequence[str]) -> int:
    parser = build_parser()
    options = parser.parse_args(line)
    if (options.once or options.json) and not options.terminal:
        parser.error("--once and --json are of --terminal")
    serve = _show if options.terminal else _serve

    def sentences(error: Exception) -> list[str]:
        if isinstance(error, ConfigurationError):
            return [f"{error.where}: {fault}" for fault in error.faults]
        return [str(error)]

    return carry_out(
        PROGRAM,
        lambda: serve_to_the_end(lambda signals, notifier: serve(options, signals, notifier)),
        usage_errors=(ConfigurationError,),
        failures=(OSError, KeyFileError, RefusedError),
        sentences=sentences,
    )


def _serve(options: argparse.Namespace, signals: EndSignals, notifier: Notifier) -> bool:
    """Serve to the end; True: that was asked for."""
    from dashboard.config import read_array
    from dashboard.service import DashboardService, Where
    from player.logs import set_up_logging

    array = read_array(options.config)
    handler = set_up_logging(options.log_level, None, program=PROGRAM)
    ends: queue.SimpleQueue[tuple[bool, str]] = queue.SimpleQueue()
    where = Where(host=options.host, port=options.port, service=options.service or "")
    try:
        keys = KeyRing.load()
        with DashboardService(
            array,
            where,
            keys,
            lambda why: ends.put((False, why)),
            store=_store(array.path),
            control=options.control,
        ) as service:
            signals.deliver_to(lambda name: ends.put((True, name)))
            notifier.notify(READY=1, STATUS=f"serves {service.url}")
            print(f"ready: {service.url}", flush=True)
            is_asked, why = ends.get()
            notifier.notify(STOPPING=1)
            log.info("ends: %s", why)
            return is_asked
    finally:
        logging.getLogger().removeHandler(handler)


def _show(options: argparse.Namespace, signals: EndSignals, _notifier: Notifier) -> bool:
    """Show the array on the terminal; False: something is wrong."""
    from dashboard.config import read_array
    from dashboard.terminal.command import run_terminal

    logging.getLogger().addHandler(logging.NullHandler())  # the terminal shows other things
    return run_terminal(options, read_array(options.config), KeyRing.load(), signals)


def _store(config: Path | None) -> Path | None:
    """Return the file of what outlives the dashboard of an array; None: there is no place for it."""
    from player.config import state_dir
    from player.statenames import state_name

    folder = state_dir(os.environ)
    if folder is None or folder.is_relative_to(os.devnull):
        return None
    return folder / f"{state_name('dashboard', 'array', config or Path('none'))}.sqlite3"
