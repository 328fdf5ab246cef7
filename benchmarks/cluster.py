"""Sort of files on local workers of Dask: two of them beside one, and one beside the same fills without Dask.
Two bare processes beside one, each with one call for its files, show what this machine gives.

Files of 10 MB, ten different ones again and again, of the events of `histograms.py`, into its 48 spectra (b):
100 of them, and 800 for two workers: a tenth of a second of a sort is the same for one worker and two,
before both are at work and when all is merged, and of terabytes it would be nothing.
The floor of `overhead` fills from the same files by one call in this process, after one that compiles;
ours surveys, shares out, fills and merges on a worker that has sorted before.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path

from benchmarks.histograms import NAMES, RANGE, events, ring_bytes
from benchmarks.parts import Effort, Part
from benchmarks.rows import Row
from histogrammer.cluster.command import event_files
from histogrammer.cluster.daskcluster import Cluster, connected
from histogrammer.cluster.fileparts import FilePart, InForce, SortedFile
from histogrammer.cluster.filling import SortJob, fill, merge
from histogrammer.definitions import read_definitions
from histogrammer.events.protocol.paramitems import ParameterNames, write_definitions
from histogrammer.events.protocol.ringitems import write_item
from histogrammer.flavors import RUSTOGRAMER

FILES, MANY_FILES, DIFFERENT, FILE_BYTES = 100, 800, 10, 10_000_000
ROUNDS = 5


def _book() -> str:
    """Return the spectra (b) as a file of definitions."""
    lines = [
        f'[spectra.{name}]\ntype = "1"\nparameters = ["{name}"]\naxes = [[0, {RANGE}, 4096]]\n'
        for name in NAMES
    ]
    lines += [
        f'[spectra."{x} {y}"]\ntype = "2"\nparameters = ["{x}", "{y}"]\n'
        f"axes = [[0, {RANGE}, 256], [0, {RANGE}, 256]]\n"
        for x, y in zip(NAMES[::2], NAMES[1::2], strict=True)
    ]
    return "".join(lines)


@contextmanager
def _work(number_of_files: int) -> Iterator[tuple[SortJob, list[SortedFile]]]:
    """Make the files; what is filled, and from which."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        head = write_item(write_definitions(ParameterNames(tuple(enumerate(NAMES)))))
        pieces = [ring_bytes(block) for block in events()]
        for number in range(DIFFERENT):
            turned = pieces[number % len(pieces) :] + pieces[: number % len(pieces)]
            data = head
            while len(data) < FILE_BYTES:
                data += turned[len(data) % len(turned)]
            (folder / str(number)).write_bytes(data)
        (folder / "book.toml").write_text(_book())
        book = read_definitions(folder / "book.toml")
        paths = [str(folder / str(number % DIFFERENT)) for number in range(number_of_files)]
        job = SortJob(book, RUSTOGRAMER.name, frozenset(book.spectra))
        yield job, event_files(paths)


def _sorted(cluster: Cluster, job: SortJob, files: Sequence[SortedFile]) -> float:
    """Return the time of a sort, s."""
    begun = time.perf_counter()
    cluster.sort(job, files)
    return time.perf_counter() - begun


def _filled(pool: ProcessPoolExecutor, job: SortJob, parts: Sequence[FilePart], at: int) -> float:
    """Return the time in which so many processes fill from all parts, s."""
    begun = time.perf_counter()
    shares = [
        parts[number * len(parts) // at : (number + 1) * len(parts) // at] for number in range(at)
    ]
    merge([future.result() for future in [pool.submit(fill, job, share) for share in shares]])
    return time.perf_counter() - begun


def _workers(effort: Effort) -> list[Row]:
    with ExitStack() as stack:
        job, files = stack.enter_context(_work(MANY_FILES))
        parts = [FilePart(n, file, 0, None, InForce()) for n, file in enumerate(files)]
        one, two = (stack.enter_context(connected(f"local:{number}")) for number in (1, 2))
        pool = stack.enter_context(ProcessPoolExecutor(2, get_context("spawn")))
        times: list[list[float]] = []
        for _ in range(1 + ROUNDS):  # the first one compiles
            ours = [_sorted(one, job, files), _sorted(two, job, files)]
            times.append([*ours, *(_filled(pool, job, parts, number) for number in (1, 2))])
        del times[0]
    size = sum(file.size for file in files) / 1e6
    columns = list(zip(*times, strict=True))
    rates = [statistics.median(size / took for took in column) for column in columns]
    rows = []
    for what, at, must, aim in (
        (f"sort of {MANY_FILES} files of 10 MB on 2 local workers, beside 1", 0, 1.5, 1.7),
        ("the same fills by 2 bare processes, beside 1", 2, None, None),
    ):
        ratios = [alone / both for alone, both in zip(columns[at], columns[at + 1], strict=True)]
        spread, ratio = (min(ratios), max(ratios)), statistics.median(ratios)
        rows.append(Row(what, rates[at], rates[at + 1], ratio, must, aim, "MB/s", spread=spread))
    return rows


def _overhead(effort: Effort) -> list[Row]:
    with ExitStack() as stack:
        job, files = stack.enter_context(_work(FILES))
        cluster = stack.enter_context(connected("local:1"))
        parts = [FilePart(n, file, 0, None, InForce()) for n, file in enumerate(files)]
        fill(job, parts[:1])
        _sorted(cluster, job, files)
        times = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            fill(job, parts)
            times.append((time.perf_counter() - begun, _sorted(cluster, job, files)))
    floor, ours = map(statistics.median, zip(*times, strict=True))
    ratio = statistics.median(other / alone for alone, other in times)
    what = f"sort of {FILES} files of 10 MB on a worker, beside the fills alone"
    return [Row(what, floor, ours, ratio, 1.15, None, "s")]


PARTS: dict[str, Part] = {"workers": _workers, "overhead": _overhead}
