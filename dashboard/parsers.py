"""Parser of the command `dashboard`. Light: what it serves with is not imported."""

from __future__ import annotations

import argparse

from commandline import argument, flag, log_level, one_of, parser_for, port_number

__all__ = ["DEFAULT_PORT", "PROGRAM", "build_parser"]

PROGRAM = "dashboard"
DEFAULT_PORT = 8080
LOOPBACK = "127.0.0.1"
RATE_HZ, MAX_RATE_HZ = 4.0, 20.0


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.1 <= rate <= MAX_RATE_HZ:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0.1 to {MAX_RATE_HZ:g}")
    return rate


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `dashboard`."""
    return parser_for(
        PROGRAM,
        "Serve a web page of the whole array: state, spectra, hosts, log, journal, history, files; or show it "
        "on this terminal. It "
        "only looks, unless --control lets people run the array.",
        argument(
            "--config FILE",
            "TOML file of the array, a directory of files, or portmanager://HOST; default: "
            "$DIBAS_CONFIG, else $DIBAS_DIR/etc/config/dibas.toml",
        ),
        argument(
            "--host ADDRESS",
            f"serve at this address, or network device; default: {LOOPBACK}. Elsewhere than there, "
            "people log in with the token of a key",
            default=LOOPBACK,
        ),
        one_of(
            argument(
                "--port N",
                f"serve at this port; 0: any free one; default: {DEFAULT_PORT}",
                type=port_number,
                default=DEFAULT_PORT,
            ),
            argument("--service NAME", "have a port lent by the port manager, under this name"),
        ),
        flag(
            "--control",
            "let people run the array: commands, parameters, scans, control. At the loopback address, "
            "without keys, that is anybody of this host",
        ),
        flag("--terminal", "show it on this terminal instead; nothing is served"),
        argument(
            "--page NAME",
            "of the terminal: banks, status, spectrum, jobs, hosts, log, journal, alarms, why; default: "
            "banks",
        ),
        argument("--bank BANK", "of the terminal: show this Bank"),
        one_of(
            flag(
                "--once", "of the terminal: print the page as text, and end; it may be no terminal"
            ),
            flag("--json", "likewise, as JSON"),
        ),
        argument(
            "--rate HZ",
            "of the terminal: look so often per second; default: %(default)g; over a slow line once",
            type=_rate,
            default=RATE_HZ,
        ),
        flag("--ascii", "of the terminal: use ASCII only"),
        flag("--mouse", "of the terminal: take the mouse, too, which then selects no text"),
        log_level(),
        epilog="Exit status: 0 done, 1 failed, 2 usage or configuration. 1: of --once and --json also if "
        "something is wrong with the array, as of `dealer doctor`.",
    )
