#!/usr/bin/env python3
"""The least that a data-taking program of one's own has to do for a Player; the contract is
docs/protocols/daq.md.

It takes no data: in place of integrations it counts the full seconds of the scan, and names the
first data buffer.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

import sysv_ipc

from spectrometer.status import StatusBuffer

PULSE_S = 1.0


def number(status: StatusBuffer, key: str, default: float) -> float:
    """A status key as a number; others may have written it as text."""
    return float(str(status.get(key) or default))


def the_end(count: int) -> dict[str, str | int]:
    """Status of a program whose scan ended with so many full seconds."""
    return {
        "DAQSTATE": "stopped",
        "SCANSTAT": "stopped",
        "NETSTAT": "waiting",
        "DAQNINT": count,
        "DAQPLAN": count,
    }


def main() -> int:
    """Read words until QUIT or the end of the input."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    status = StatusBuffer(
        int(os.environ["DIBAS_STATUS_KEY"], 0), os.environ["DIBAS_STATUS_SEMAPHORE"], create=False
    )
    buffer = sysv_ipc.SharedMemory(int(os.environ["DIBAS_DATABUF_KEY"], 0), 0, size=0)
    status.update(
        {"DAQSTATE": "stopped", "SCANSTAT": "stopped", "NETSTAT": "init", "SWVER": "example"}
    )
    print(f"data buffer 1 has {buffer.size} bytes", flush=True)
    unread, state, start, length = b"", "stopped", 0.0, 0.0

    def seconds() -> int:
        """Full seconds of the scan, of which there are no more than it has."""
        return max(0, int(min(time.monotonic() - start, length)))

    while True:
        until_end = start + length - time.monotonic() if state == "running" and length else PULSE_S
        if until_end <= 0:  # the Player, which says STOP all the same, need not wait for late data
            state = "stopped"
            status.update(the_end(seconds()))
        elif state == "running":
            status.update({"DAQNINT": seconds()})
        status.update({"DAQSTATE": state, "DAQPULSE": time.ctime()})
        if not select.select([0], [], [], min(max(until_end, 0.0), PULSE_S))[0]:
            continue
        data = os.read(0, 4096)
        *words, unread = (unread + data).split(b"\n")
        if not data:
            words.append(b"QUIT")
        for word in (word.strip().upper() for word in words):
            if word in (b"START", b"MONITOR"):
                # a clock may be set at any moment; DAQMONO is the start on the one that is not
                state, length = "running", number(status, "SCANLEN", 0.0)
                start = number(
                    status,
                    "DAQMONO",
                    time.monotonic() + number(status, "DAQSTART", 0.0) - time.time(),
                )
                status.update(
                    {
                        "DAQSTATE": state,
                        "SCANSTAT": "running",
                        "NETSTAT": "receiving",
                        "DAQNINT": 0,
                        "DAQPLAN": int(length),
                        "DAQDROP": 0,
                        "DAQLOST": 0.0,
                    }
                )
            elif word == b"STOP":
                state = "stopped"
                status.update(the_end(seconds()))
            elif word == b"INIT_GPU":
                status.update({"GPUCTXIN": "TRUE"})
            elif word == b"QUIT":
                status.update({"DAQSTATE": "exiting", "NETSTAT": "exiting"})
                return 0


if __name__ == "__main__":
    sys.exit(main())
