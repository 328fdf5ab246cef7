"""The command `histogrammer`, and `rustogramer`, `rustogrammer`: a Player with one histogrammer and
its REST server.

Nothing heavy is imported up here: signals have to be taken over before the first second is gone.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from groundwork.output import run_command
from histogrammer import parsers
from player.errors import ConfigError, PlayerError
from player.lifecycle import EndRequest, EndSignals, Notifier, force_end

if TYPE_CHECKING:
    from player.host import Host
    from player.tables import Config

__all__ = ["main"]

DONE, FAILED, USAGE = 0, 1, 2

log = logging.getLogger(__name__)


def _serve(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    options = parsers.build_parser().parse_args(argv)
    notifier = Notifier(os.environ.pop("NOTIFY_SOCKET", None))
    try:
        with EndSignals(force=force_end, hang_up_ends=os.isatty(0)) as signals:
            return _serve_until_end(options, environment, signals, notifier)
    except EndRequest:
        return DONE  # asked to end before there was anything to end


def _serve_until_end(
    options: argparse.Namespace,
    environment: Mapping[str, str],
    signals: EndSignals,
    notifier: Notifier,
) -> int:
    from histogrammer.options import LOG_LEVELS, array_config, bank_name, served_url
    from player.config import data_root, state_dir
    from player.host import Host
    from player.lifecycle import run
    from player.logs import LevelSignal, set_up_logging

    config = array_config(options, environment)
    bank = bank_name(options, config.source.tables)
    level = LOG_LEVELS.get(environment.get("ROCKET_LOG_LEVEL", ""), "info")
    set_up_logging(level, bank, program=parsers.PROGRAM)
    if options.mirror_port is not None or options.mirror_service is not None:
        log.warning(
            "--mirror-port and --mirror-service have no effect: there is no mirror server, and "
            "nothing is allocated or listened on for it"
        )
    host = Host(
        config,
        bank,
        served_url(options, config, bank),
        data_root=data_root(config, environment),
        state_dir=state_dir(environment),
    )
    for warning in config.source.warnings:
        log.warning("%s", warning)
    with LevelSignal():
        is_done = run(host, signals, notifier, lambda: _tell_ready(host, config))
    return DONE if is_done else FAILED


def _tell_ready(host: Host, config: Config) -> None:
    """Print the line that whoever starts the program waits for, and warn of services that clients
    find otherwise."""
    from histogrammer.bank import HistogrammerBank
    from histogrammer.options import rest_endpoint

    assert isinstance(host.bank, HistogrammerBank)
    memory = host.bank.histogrammer.memory
    assert memory is not None
    endpoint = rest_endpoint(config.source.tables, host.name)
    rest = urlsplit(host.endpoint_urls[endpoint])
    os.environ["ROCKET_PORT"] = str(rest.port)  # for programs that are attached
    print(
        f"ready: REST port {rest.port}, mirror port none, memory {memory.key} of "
        f"{memory.channel_bytes} bytes, {host.name} for Dealers at {host.url}",
        flush=True,
    )
    wanted = getattr(config.banks[host.name].endpoints[endpoint], "port", None)
    if isinstance(wanted, str):
        from histogrammer.services import namesakes
        from portmanager.protocol.urls import own_service

        for sentence in namesakes(config.manager, own_service(wanted, host.name), rest.port or 0):
            log.warning("%s", sentence)


def _sort(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    options = parsers.sort_parser().parse_args(argv)
    from histogrammer.sorting import sort

    return sort(options)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 done, 1 failed, 2 usage or configuration, 3 of
    `sort`: files were cut or broken."""
    line = list(sys.argv[1:] if argv is None else argv)
    is_sort = line[:1] == ["sort"]
    return run_command(parsers.PROGRAM, lambda: _main(line), must_write=is_sort)


def _main(line: Sequence[str]) -> int:
    try:
        if line[:1] == ["sort"]:
            return _sort(line[1:], os.environ)
        return _serve(line, os.environ)
    except ConfigError as error:
        for fault in error.faults:
            print(f"{parsers.PROGRAM}: {fault}", file=sys.stderr)
        return USAGE
    except PlayerError as error:
        print(f"{parsers.PROGRAM}: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
