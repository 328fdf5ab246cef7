#!/usr/bin/env python3
"""The least that a data-taking program of one's own has to do for a Player; the contract is docs/protocols/daq.md.

It takes no data: in place of a spectrum it says how long the scan has lasted, and names the first data buffer.
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


def main() -> int:
    """Read words until QUIT or the end of the input."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    status = StatusBuffer(
        int(os.environ["DIBAS_STATUS_KEY"], 0), os.environ["DIBAS_STATUS_SEMAPHORE"], create=False
    )
    buffer = sysv_ipc.SharedMemory(int(os.environ["DIBAS_DATABUF_KEY"], 0), 0, size=0)
    status.update({"DAQSTATE": "stopped", "SCANSTAT": "stopped", "NETSTAT": "init", "SWVER": "example"})
    print(f"data buffer 1 has {buffer.size} bytes", flush=True)
    unread, state, seconds = b"", "stopped", 0
    while True:
        if state == "running" and status.get("ARMSTATE") == "armed":
            seconds = max(0, int(time.time() - float(str(status.get("DAQSTART")))))
        status.update({"DAQSTATE": state, "DAQPULSE": time.ctime(), "DAQNINT": seconds})
        if not select.select([0], [], [], PULSE_S)[0]:
            continue
        data = os.read(0, 4096)
        *words, unread = (unread + data).split(b"\n")
        if not data:
            words.append(b"QUIT")
        for word in (word.strip().upper() for word in words):
            if word in (b"START", b"MONITOR"):
                state, seconds = "running", 0
                status.update({"DAQSTATE": state, "SCANSTAT": "running", "NETSTAT": "receiving", "DAQNINT": 0})
            elif word == b"STOP":
                state = "stopped"
                status.update({"DAQSTATE": state, "SCANSTAT": "stopped", "NETSTAT": "waiting"})
            elif word == b"INIT_GPU":
                status.update({"GPUCTXIN": "TRUE"})
            elif word == b"QUIT":
                status.update({"DAQSTATE": "exiting", "NETSTAT": "exiting"})
                return 0


if __name__ == "__main__":
    sys.exit(main())
