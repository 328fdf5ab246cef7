"""The program `histogrammer` as a process, for tests."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from groundwork.closing import Closing

_ROOT = Path(__file__).resolve().parents[2]
_READY = re.compile(
    r"ready: REST port (\d+), mirror port (\d+|none), memory (\S+) of (\d+) bytes, (\w+) for Dealers at (\S+)\n"
)


def start(folder: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
    """Start the program, with a folder as home and working folder."""
    known = {"PYTHONPATH": str(_ROOT), "HOME": str(folder), "XDG_STATE_HOME": os.devnull}
    return subprocess.Popen(
        [sys.executable, "-m", "histogrammer", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, **known, **environment},
    )


class HistogrammerProcess(Closing):
    """A program that is ready.

    Attributes:
        port: Of REST.
        mirror_port: Of the mirror server; 0: there is none.
        key: Of the display memory.
        bank: Name of the Bank.
        url: Where Dealers find it.
    """

    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        self.process = start(folder, *options, **environment)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = _READY.fullmatch(line)
        if found is None:
            self.process.kill()
            raise RuntimeError(f"not ready: {line!r}: {self.process.communicate()[1]}")
        self.port, self.key = int(found[1]), found[3]
        self.mirror_port = 0 if found[2] == "none" else int(found[2])
        self.bank, self.url = found[5], found[6]

    @property
    def memory(self) -> Path:
        """File of the display memory."""
        return Path(self.key.removeprefix("file:"))

    def ask(self, request: str, **query: str) -> Any:
        """Make a REST request; its detail. The status has to be OK."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        words = "&".join(f"{key}={quote(value)}" for key, value in query.items())
        connection.request("GET", f"/spectcl/{request}?{words}")
        answer = json.loads(connection.getresponse().read())
        connection.close()
        assert answer["status"] == "OK", answer
        return answer["detail"]

    def wait(self) -> tuple[int, str]:
        """Wait for its end: exit status and standard error."""
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal, and wait."""
        self.process.send_signal(number)
        return self.wait()

    def close(self) -> None:
        """End it, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
