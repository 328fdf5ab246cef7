"""A display memory in three processes: a histogrammer fills spectra, `mirror` keeps a copy of them as it
would on another host, and a reader adds the copy up. The sums are those of the histogrammer, or the
exit status is 1.

All processes end, and all files and shared memory go, whatever ends the demo.
"""

from __future__ import annotations

import argparse
import json
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from demo_histogrammer import SETUP, book_by_rest
from processes import START_S, DemoError, Processes, run_demo, start_port_manager
from spectclrest import SpecTclRest

from commandline import ProgressLine
from histogrammer.detector import SimulatedDetectors
from histogrammer.errors import HistogrammerError
from portmanager import PortManager, PortManagerError

EVENTS = 1_000_000
COPIED_S = 30.0
LOOK_S = 0.2
REFRESH_S = 1

Sums = Mapping[str, int]


def write_configuration(folder: Path, manager: int) -> Path:
    """Write the array's file: one histogrammer, whose two servers are found by their names."""
    path = folder / "array.toml"
    lines = [
        "[instrument]",
        'player_port = "service:"',
        f'portmanager = "127.0.0.1:{manager}"',
        "[banks.GAMMAS]",
        'kind = "histogrammer"',
        'hpc_host = "localhost"',
        f'home = "{folder}"  # for the display memory',
        f'roots = ["{folder}"]',
        "[banks.GAMMAS.endpoints.spectcl]",
        'port = "service:DEMO_REST"',
        "[banks.GAMMAS.endpoints.mirror]",
        'port = "service:DEMO_MIRROR"',
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def ready_line(processes: Processes, name: str, process: subprocess.Popen[str]) -> str:
    """Return the line by which a process says that it is ready."""
    assert process.stdout is not None
    is_there, _, _ = select.select([process.stdout], [], [], START_S)
    line = process.stdout.readline() if is_there else ""
    if not line.startswith("ready:"):
        raise DemoError(f"{name} did not start:\n{processes.log(name)}")
    return line


def fill(rest: SpecTclRest, folder: Path, events: int) -> None:
    """Have the histogrammer fill its spectra from a file, as a REST client does, and show them."""
    path = folder / "run.evt"
    with path.open("wb") as file:
        for piece in SimulatedDetectors(SETUP, events, seed=1).pieces():
            file.write(piece)
    rest.ask("sbind/set_update", seconds=REFRESH_S)
    rest.ask("sbind/all")
    rest.ask("attach/attach", type="file", source=path)
    rest.ask("analyze/start")
    line = ProgressLine()
    while (state := rest.ask("shmem/variables"))["RunState"] == "Active":
        line.write("filling")
        time.sleep(LOOK_S)
    line.clear()
    if state["AnalysisError"]:
        raise DemoError(state["AnalysisError"])


def sums_by_rest(rest: SpecTclRest) -> Sums:
    """Return the counts in the bins of each spectrum, as the histogrammer tells them."""
    names = [each["name"] for each in rest.ask("spectrum/list", filter="*")]
    return {name: int(rest.contents(name).sum()) for name in names}


class Reader:
    """The third process: it reads the copy.

    Args:
        processes: Of the demo.
        key: Of the copy.
    """

    def __init__(self, processes: Processes, key: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("mirrorreader.py")), key],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=processes.environment,
        )

    def sums(self) -> Sums:
        """Return the counts in the bins of each spectrum, as the copy has them."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise DemoError("the reader has ended")
        found: dict[str, int] = json.loads(line)["sums"]
        return found

    def wait_for(self, wanted: Sums) -> Sums:
        """Return the sums when they are what is wanted, or when they have not become so in time."""
        end = time.monotonic() + COPIED_S
        while (found := self.sums()) != wanted and time.monotonic() < end:
            time.sleep(LOOK_S)
        return found

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


def conclude(wanted: Sums, found: Sums) -> int:
    """Print the sums side by side; the exit status, 0 if they are the same."""
    print(f"\n{'spectrum':>12} {'histogrammer':>14} {'copy':>14}")
    for name in sorted({*wanted, *found}):
        one, other = wanted.get(name), found.get(name)
        print(f"{name:>12} {one!s:>14} {other!s:>14}{'' if one == other else '   differ'}")
    if wanted != found or not any(wanted.values()):
        print("demo: the copy is not what the histogrammer has", file=sys.stderr)
        return 1
    return 0


def run(processes: Processes, stack: ExitStack, events: int) -> int:
    """Carry out the demo; its exit status."""
    begun = time.monotonic()
    manager = start_port_manager(processes)
    config = write_configuration(processes.folder, manager)
    started = processes.start("GAMMAS", "histogrammer", "--config", config, "--bank", "GAMMAS")
    print(f"first process:  {ready_line(processes, 'GAMMAS', started)}", end="", flush=True)
    with PortManager("127.0.0.1", manager) as client:
        rest = SpecTclRest(client.locate("DEMO_REST").port)
    book_by_rest(rest)
    words = ["-R", "DEMO_REST", "-M", "DEMO_MIRROR", "--portmanager", f"127.0.0.1:{manager}"]
    mirror = processes.start("mirror", "histogrammer.mirror.cli", *words)
    line = ready_line(processes, "mirror", mirror)
    print(f"second process: {line}", end="", flush=True)
    (listed,) = rest.ask("mirror")
    print(f"third process:  reads {listed['shmkey']}, which GAMMAS lists at {listed['host']}")
    reader = Reader(processes, listed["shmkey"])
    stack.callback(reader.close)
    fill(rest, processes.folder, events)
    wanted = sums_by_rest(rest)
    status = conclude(wanted, reader.wait_for(wanted))
    print(f"took {time.monotonic() - begun:.1f} s")
    return status


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; 0 when the copy is what the histogrammer has."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--events", type=int, default=EVENTS, help="of the file that is read")
    options = parser.parse_args(argv)

    def carry_out(processes: Processes, stack: ExitStack) -> int:
        return run(processes, stack, options.events)

    return run_demo("demo-mirror", carry_out, HistogrammerError, PortManagerError)


if __name__ == "__main__":
    sys.exit(main())
