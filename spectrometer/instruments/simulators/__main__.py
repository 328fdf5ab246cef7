"""A simulated board on a port: `python -m spectrometer.instruments.simulators --config FILE --port
7147`.

It knows the images of the file's modes and speaks KATCP until SIGTERM or SIGINT. A Player that is
not simulated and whose `roach.katcp_host` leads here runs as with a real board.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from commandline import argument, parser_for, port_number
from groundwork.extras import install_advice
from player.config import load
from player.errors import ConfigError
from spectrometer.instruments.simulators.images import images_of
from spectrometer.modes import load_modes

try:
    from spectrometer.instruments.simulators.roach import FAULTS, BoardSimulator
except ModuleNotFoundError as error:
    if not (advice := install_advice(error.name)):
        raise
    sys.exit(f"python -m spectrometer.instruments.simulators: {advice}")

PROTOCOLS = ("4.9", "5.0-M", "5.0-MI")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    return parser_for(
        "python -m spectrometer.instruments.simulators",
        "Simulate a ROACH board with a Valon synthesizer on a loopback port, until SIGTERM or SIGINT.",
        argument("--config FILE", "the array's TOML file", type=Path, required=True),
        argument(
            "--port N", "0: any free one; default: %(default)s", type=port_number, default=7147
        ),
        argument(
            "--protocol",
            "version of KATCP to announce; default: %(default)s",
            choices=PROTOCOLS,
            default="4.9",
        ),
        epilog=f"Faults are switched on with the KATCP request ?sim-fault: {', '.join(FAULTS)}.",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; exit status 0 at a signal, 1 if the port is taken, 2 for a bad file or
    usage."""
    options = build_parser().parse_args(argv)
    try:
        modes = load_modes(load(options.config))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        simulator = BoardSimulator(images_of(modes.values()), options.protocol, options.port)
    except OSError as error:
        print(f"port {options.port}: {error}", file=sys.stderr)
        return 1
    with simulator:
        print(f"simulated board at 127.0.0.1:{simulator.port}", flush=True)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
    return 0


if __name__ == "__main__":
    sys.exit(main())
