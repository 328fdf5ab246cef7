"""A program that subscribes, and tells what it got, a line for each line that it reads.

python -m support.reader URL PATTERN     (the first line of stdout says that it has a value)

with Reader(url, "frames") as reader: ...     (runs it as a process of its own)
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

from support.player_run import DEADLINE, ROOT, clean_environment
from support.watcher import Watcher

from groundwork.closing import Closing


class Reader(Closing):
    """The program as a process."""

    def __init__(self, url: str, pattern: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "support.reader", url, pattern],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(),
            cwd=ROOT,
        )
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def suspend(self) -> None:
        """Freeze it (SIGSTOP)."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self.process.send_signal(signal.SIGCONT)

    def report(self) -> dict[str, Any]:
        """Return its counts, and the number of the newest update."""
        assert self.process.stdin is not None
        print(file=self.process.stdin, flush=True)
        return dict(json.loads(self._line()))

    def close(self) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait(DEADLINE)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


def main() -> int:
    """Subscribe, and report until the end of the input."""
    url, pattern = sys.argv[1:]
    with Watcher() as watcher:
        subscription = watcher.subscribe(url, pattern, policy="latest")
        first = subscription.next(DEADLINE)
        print("ready", flush=True)
        for _ in sys.stdin:
            newest = subscription.latest()
            report = {
                "received": subscription.received,
                "lost": subscription.lost,
                "reopened": subscription.reopened,
                "first": first.number,
                "newest": newest and newest.number,
            }
            print(json.dumps(report), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
