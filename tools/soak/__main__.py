"""The command `python -m tools.soak`."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import uuid
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from support.port_manager import free_pool  # noqa: E402

from groundwork.interrupts import ended_as_by_ctrl_c  # noqa: E402
from tools.soak.array import LENT_PORTS, Array  # noqa: E402
from tools.soak.faults import FAULTS, Fault  # noqa: E402
from tools.soak.remains import everything_shared, orphans, shared  # noqa: E402
from tools.soak.rounds import Round, Soak, table  # noqa: E402

ALONE = "DEALER_PLAYER_SOAK_ALONE"
"""Set inside namespaces of our own, where all shared memory is ours."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = argparse.ArgumentParser(prog="python -m tools.soak", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=10.0, help="for how long; default: %(default)g"
    )
    parser.add_argument(
        "--arrays", type=int, default=3, help="so many beside each other; default: %(default)s"
    )
    parser.add_argument("--seed", type=int, default=1, help="of all that is random; default: 1")
    parser.add_argument(
        "--faults", nargs="+", metavar="WORD", help="those with one of these words in their names"
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="logs and data stay there")
    return parser


def go_alone() -> None:
    """Run anew, if that is allowed, with System V memory and /dev/shm of our own."""
    words = ["unshare", "--ipc", "--mount"]
    if os.geteuid() != 0 or ALONE in os.environ or shutil.which(words[0]) is None:
        return
    mount = "mount -t tmpfs -o mode=1777 soak /dev/shm"
    if subprocess.run([*words, "sh", "-c", mount], capture_output=True, check=False).returncode:
        return
    os.environ[ALONE] = "1"
    again = [sys.executable, "-m", "tools.soak", *sys.argv[1:]]
    os.execvp(words[0], [*words, "sh", "-c", f'{mount} && exec "$@"', "soak", *again])


class Soaking(threading.Thread):
    """One array, soaked in a thread of its own.

    Attributes:
        rounds: Those that are over.
        left: What it has left behind, and why it could not go on; it is written at the end.
    """

    def __init__(
        self, array: Array, until: float, chance: random.Random, faults: list[Fault]
    ) -> None:
        super().__init__(daemon=True)
        self.rounds, self.left = list[Round](), list[str]()
        self._array, self._until, self._soak = array, until, Soak(array, chance, faults)

    def run(self) -> None:
        """Take scans until it is time, and end the array."""
        array = self._array
        try:
            array.open()
            for done in self._soak.rounds(self._until):
                print(done.line(), flush=True)
                self.rounds.append(done)
        except Exception as error:
            traceback.print_exc()
            self.left.append(f"the soak itself: {type(error).__name__}: {error}")
        finally:
            array.close()
        self.left += [*array.faults, *orphans(array.mark, ())]
        names = [name for bank in array.keys for name in array.shared_names(bank)]
        self.left += shared(array.keys.values(), names)


def soak(options: argparse.Namespace, folder: Path) -> int:
    """Take scans with faults for a time; 1: a promise was broken."""
    words, until = options.faults, time.monotonic() + 60.0 * options.minutes
    faults = [one for one in FAULTS if words is None or any(word in one.name for word in words)]
    soaking = []
    first_port, _ = free_pool(LENT_PORTS * options.arrays)
    for number in range(options.arrays):
        place = folder / f"array{number + 1}"
        place.mkdir()
        array = Array(place, uuid.uuid4().hex, first_port + LENT_PORTS * number)
        chance = random.Random(f"{options.seed}/{number}")
        soaking.append(Soaking(array, until, chance, faults))
    for each in soaking:
        each.start()
    for each in soaking:
        each.join()
    rounds = [one for each in soaking for one in each.rounds]
    left = [sentence for each in soaking for sentence in each.left]
    if ALONE in os.environ:
        left += everything_shared()
    print(
        f"\nSeed {options.seed}, {len(rounds)} rounds in {options.minutes:g} minutes.\n\n{table(rounds)}\n"
    )
    print(f"Left behind at the end: {'; '.join(left) or 'nothing'}.")
    return 1 if left or any(one.broken for one in rounds) else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = build_parser().parse_args(argv)
    with ended_as_by_ctrl_c(signal.SIGTERM), tempfile.TemporaryDirectory(prefix="soak-") as own:
        folder = Path(own) if options.keep is None else options.keep
        folder.mkdir(parents=True, exist_ok=True)
        return soak(options, folder)


if __name__ == "__main__":
    go_alone()
    sys.exit(main())
