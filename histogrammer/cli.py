"""The command `histogrammer`, and `rustogramer`, `rustogrammer`: a Player with one histogrammer and
its REST server.

Nothing heavy is imported up here: signals have to be taken over before the first second is gone.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from commandline import run_command
from histogrammer import parsers
from player.lifecycle import EndSignals, Notifier
from player.programs import serve_to_the_end, status_of

if TYPE_CHECKING:
    from player.host import Host
    from player.tables import Config

__all__ = ["main"]

log = logging.getLogger(__name__)


def _serve(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    options = parsers.build_parser().parse_args(argv)

    def serve(signals: EndSignals, notifier: Notifier) -> bool:
        from histogrammer.options import LOG_LEVELS, PROGRAM, array_config

        config = array_config(options, environment)
        level = LOG_LEVELS.get(environment.get("ROCKET_LOG_LEVEL", ""), "info")

        def tell_ready(host: Host) -> None:
            _tell_ready(host, config)

        return PROGRAM.run(options, environment, config, level, signals, notifier, tell_ready)

    return serve_to_the_end(serve)


def _tell_ready(host: Host, config: Config) -> None:
    """Print the line that whoever starts the program waits for, and warn of services that clients
    find otherwise."""
    from histogrammer.bank import HistogrammerBank
    from histogrammer.options import MIRROR, PROGRAM

    assert isinstance(host.bank, HistogrammerBank)
    memory = host.bank.histogrammer.memory
    assert memory is not None
    tables = config.source.tables
    rest = PROGRAM.endpoint_name(tables, host.name)
    mirror = PROGRAM.endpoint_name(tables, host.name, MIRROR)
    ports = {name: urlsplit(url).port or 0 for name, url in host.endpoint_urls.items()}
    os.environ["ROCKET_PORT"] = str(ports[rest])  # for programs that are attached
    print(
        f"ready: REST port {ports[rest]}, mirror port {ports.get(mirror, 'none')}, memory {memory.key} "
        f"of {memory.channel_bytes} bytes, {host.name} for Dealers at {host.url}",
        flush=True,
    )
    for endpoint, option in ((rest, "--rest-service"), (mirror, "--mirror-service")):
        if endpoint in ports:
            _warn_of_namesakes(config, host.name, endpoint, ports[endpoint], option)


def _warn_of_namesakes(config: Config, bank: str, endpoint: str, port: int, option: str) -> None:
    wanted = getattr(config.banks[bank].endpoints[endpoint], "port", None)
    if isinstance(wanted, str) and wanted.startswith("service:"):
        from histogrammer.services import namesakes
        from portmanager.protocol.urls import own_service

        for sentence in namesakes(config.manager, own_service(wanted, bank), port, option):
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
    if line[:1] == ["sort"]:
        return status_of(parsers.PROGRAM, lambda: _sort(line[1:], os.environ))
    return status_of(parsers.PROGRAM, lambda: _serve(line, os.environ))


if __name__ == "__main__":
    sys.exit(main())
