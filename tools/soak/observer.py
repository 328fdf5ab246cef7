"""The Dealer of the soak, a process of its own: takes a scan for each line of JSON that it reads.

It prints a line for each stage: what is done, and at the end what it was told.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from dealer import Dealer

MODE = "MODE1"
CALL_WITHIN_S = 20.0
SCAN_WITHIN_S = 60.0
CONTROL_MINUTES = 2.0


def say(number: int, stage: str, **more: Any) -> None:
    """Print a line."""
    print(json.dumps({"number": number, "stage": stage, **more}), flush=True)


def observe(d: Any, number: int, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take a scan with control of all Banks; what the observer is told of each."""
    with d.control(f"round {number}", minutes=CONTROL_MINUTES) as given:
        numbers = {bank: control.number for bank, control in given.items()}
        say(number, "given", numbers=numbers, at=time.monotonic())

        def command(name: str, *args: Any, **kwargs: Any) -> None:
            begun = time.monotonic()
            getattr(d, name)(*args, **kwargs)
            say(number, "done", name=name, numbers=numbers, begun=begun)

        modes = d.outcomes("get_mode")
        if any(outcome.error is not None or outcome.value != MODE for outcome in modes.values()):
            command("set_mode", MODE)
        command("set_param", **parameters)
        command("prepare")
        command("start")
        d.wait_for_scan(every=0.2, timeout=SCAN_WITHIN_S)
        return {
            bank: found.value for bank, found in d.scan_reports().items() if found.error is None
        }


def main() -> int:
    """Serve until there is nothing more to read."""
    players = json.loads(sys.argv[1])
    with Dealer(players, timeout=CALL_WITHIN_S) as d:
        d.add_active_player(*players)
        say(0, "ready")
        for line in sys.stdin:
            asked = json.loads(line)
            number = asked["number"]
            try:
                say(number, "over", reports=observe(d, number, asked["parameters"]))
            except Exception as error:  # what an observer reads of it is what is judged
                say(number, "over", error=f"{type(error).__name__}: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
