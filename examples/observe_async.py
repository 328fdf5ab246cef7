"""The observing script of observe.py for asyncio: the same scan, and the status of all Banks shown
while it runs.

Usage: python examples/observe_async.py [--config FILE] [--mode MODE1] [--exposure 1.0]
    [--scan-length 5]
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from observe import ending, read_options

import dealer


async def observe(
    d: dealer.AsyncDealer, *, mode: str = "MODE1", exposure: float = 1.0, scan_length: float = 5.0
) -> dict[str, dict[str, object]]:
    """Run one scan on all Banks that `d` knows; arguments and errors as in observe.py.

    Returns:
        Bank -> report of its scan.
    """
    d.add_active_player(*d.list_available_players())
    print("mode     ", await d.set_mode(mode))
    await d.set_param(
        exposure=exposure,
        scan_length=scan_length,
        project_id="DEMO",
        source="J1810+1744",
        observer="demo",
    )
    await d.prepare()
    print("start    ", await d.start())
    watching = asyncio.create_task(
        watch(d)
    )  # what a script that waits cannot do: something else meanwhile
    try:
        await d.wait_for_scan(verbose=True)
    finally:
        watching.cancel()
    return {bank: outcome.result() for bank, outcome in (await d.scan_reports()).items()}


async def watch(d: dealer.AsyncDealer, every: float = 1.0) -> None:
    """Print how many integrations each Bank has written, until cancelled; `every` so many
    seconds."""
    while True:
        outcomes = await d.outcomes("get_status")
        print(
            "written  ", {bank: o.value.get("DAQNINT", 0) for bank, o in outcomes.items() if o.ok}
        )
        await asyncio.sleep(every)


async def run(options: argparse.Namespace) -> dict[str, dict[str, object]]:
    """Observe with the Players of the configuration."""
    async with dealer.AsyncDealer(config=options.config) as d:
        return await observe(
            d, mode=options.mode, exposure=options.exposure, scan_length=options.scan_length
        )


def main(argv: list[str] | None = None) -> int:
    """Run the scan that the command line asks for; 0 done, 1 failed, 2 usage."""
    try:
        reports = asyncio.run(run(read_options(__doc__, argv)))
    except dealer.DealerError as error:
        print(error, file=sys.stderr)
        return 1
    for bank, report in reports.items():
        print(ending(bank, report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
