"""An observing script: one scan on all Players of a configuration file, with what an observer does
and no more.

Usage: python examples/observe.py [--config FILE] [--mode MODE1] [--exposure 1.0] [--scan-length 5]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import dealer


def observe(
    d: dealer.Dealer,
    *,
    mode: str = "MODE1",
    exposure: float = 1.0,
    scan_length: float = 5.0,
    source: str = "J1810+1744",
    switching: tuple[float, list[tuple[float, int, int, float]]] | None = None,
    status: dict[str, object] | None = None,
    follow: Callable[[dealer.Dealer], object] | None = None,
) -> dict[str, dict[str, object]]:
    """Run one scan on all Banks that `d` knows.

    Args:
        d: A Dealer; all its Players are made active.
        mode: A mode of the configuration.
        exposure: Requested integration time, s.
        scan_length: Length of the scan, s.
        source: Name of what is observed.
        status: Further status keys.
        follow: Returns when the scan is over; None: the Dealer waits for it.
        switching: Period, s, and states as `set_gbt_ss` takes them; None: the mode's default, one
            state.

    Returns:
        Bank -> its status at the end of the scan.

    Raises:
        dealer.DealerError: A Bank refused or was lost; the text names each of them.
    """
    d.add_active_player(*d.list_available_players())
    print("mode     ", d.set_mode(mode))
    d.set_param(
        exposure=exposure,
        scan_length=scan_length,
        project_id="DEMO",
        source=source,
        observer="demo",
    )
    if status is not None:
        d.set_status(**status)
    if switching is not None:
        d.set_gbt_ss(*switching)
    d.prepare()
    print("start    ", d.start())
    if follow is not None:
        follow(d)
    d.wait_for_scan(verbose=follow is None)
    return d.get_status()


def ending(bank: str, report: dict[str, object]) -> str:
    """Say what a scan of one Bank has brought, from its `scan_report`."""
    if report.get("file"):
        counts = f"{report['integrations']} of {report['planned']} integrations"
        return f"{bank} {report['outcome']}, {counts} in {report['file']}"
    # simulated, and nothing to take them from
    return f"{bank} {report['outcome']}: rehearsed, no data"


def read_options(about: str, argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=about.partition("\n\n")[0])
    parser.add_argument(
        "--config",
        type=Path,
        help="configuration of the array; default: as dealer.Dealer() finds it",
    )
    parser.add_argument("--mode", default="MODE1")
    parser.add_argument("--exposure", type=float, default=1.0, help="s")
    parser.add_argument("--scan-length", type=float, default=5.0, help="s")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the scan that the command line asks for; 0 done, 1 failed, 2 usage, 3 less recorded than
    planned."""
    options = read_options(__doc__, argv)
    try:
        with dealer.Dealer(config=options.config) as d:
            observe(
                d, mode=options.mode, exposure=options.exposure, scan_length=options.scan_length
            )
            reports = {bank: outcome.result() for bank, outcome in d.scan_reports().items()}
    except dealer.DealerError as error:
        print(error, file=sys.stderr)
        return 1
    for bank, report in reports.items():
        print(ending(bank, report))
    return 3 if any(report["outcome"] == "incomplete" for report in reports.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
