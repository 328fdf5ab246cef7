"""Sort of files on the workers of a Dask cluster: all that knows of Dask.

    survey --+-- fill --+
    survey --+-- fill --+-- merge --+
    survey --+-- fill --+           +-- merge --+
             +-- fill --+-- merge --+           +-- merge
             +-- fill --+-- merge --------------+

Results are values, so that Dask may run a task again whose worker died. Merges come before further
fills: only a few histograms wait at a time.
"""

from __future__ import annotations

import itertools
import logging
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import numpy as np

from groundwork.errors import text_of
from histogrammer.cluster.fileparts import (
    FilePart,
    InForce,
    SortedFile,
    Survey,
    are_independent,
    parts_of,
    survey,
)
from histogrammer.cluster.filling import Filled, SortJob, fill, merge
from histogrammer.cluster.plan import SortPlan, last_bytes, merges_of, share_bytes
from histogrammer.errors import HistogrammerError
from histogrammer.spectra.stripchart import KIND as STRIP

__all__ = ["Cluster", "ClusterError", "SortProgress", "connected", "local_workers"]

LOCAL = "local:"
CONNECT_S = 10.0
LOOK_S = 0.2
TELL_S = 0.5
_OWN_WORKERS = {
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.monitor-interval": "500ms",
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.nanny.pre-spawn-environ": {"OMP_NUM_THREADS": 1},
}
"""Of local workers. By default they look a hundred times a second at what they do, as they and
their scheduler do at themselves, which is 5 % of a core. They would give freed memory back to the
system, too, of which each block of events then has to be mapped anew."""
_SOME_WORKERS = {"distributed.scheduler.worker-saturation": 1.0}
"""Settings for more than one of them. By default a worker has its next task before it is done, and another one that is
idle does not get it; one that is alone need not ask for it."""


class ClusterError(HistogrammerError):
    """A cluster that cannot be had, or on which files cannot be sorted."""


@dataclass(frozen=True, slots=True)
class SortProgress:
    """State of a sort.

    Attributes:
        word: `surveyed` or `filled`.
        done: Bytes of it.
        total: Bytes of all.
        left_s: Time that is left, s; None: not known.
    """

    word: str
    done: int
    total: int
    left_s: float | None

    def sentence(self) -> str:
        """Return it for people."""
        left = "" if self.left_s is None else f", {self.left_s:.0f} s left"
        return f"{self.done / 1e6:.1f} of {self.total / 1e6:.1f} MB {self.word}{left}"


def local_workers(place: str) -> int | None:
    """Return the number of workers of `local:N`; None: it is the address of a cluster.

    Raises:
        ClusterError: N is no number above 0.
    """
    if not place.startswith(LOCAL):
        return None
    text = place.removeprefix(LOCAL)
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= 1000):
        raise ClusterError(f"--cluster {place[:80]}: local:N has 1 to 1000 workers")
    return int(text)


@contextmanager
def connected(place: str) -> Iterator[Cluster]:
    """Connect to a cluster, or start one of this host's processes.

    Args:
        place: `HOST:PORT`, `tcp://HOST:PORT` of a scheduler, or `local:N`.

    Raises:
        ClusterError: Dask is not installed, there is no such cluster, or it has no workers.
    """
    number = local_workers(place)
    try:
        import dask
        import distributed
    except ImportError as error:
        raise ClusterError("--cluster needs Dask: pip install 'dealer-player[cluster]'") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is told below
    if number is None:
        address = place if "://" in place else f"tcp://{place}"
        try:
            client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ClusterError(f"--cluster {place[:200]}: {error}") from error
        with client:
            yield Cluster(client)
        return
    settings = {**_OWN_WORKERS, **(_SOME_WORKERS if number > 1 else {})}
    with tempfile.TemporaryDirectory(prefix="histogrammer-") as folder:
        with (
            dask.config.set({"temporary-directory": folder, **settings}),
            distributed.LocalCluster(
                n_workers=number,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                worker_dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
            ) as cluster,
            distributed.Client(cluster, set_as_default=False, direct_to_workers=True) as client,
        ):
            yield Cluster(client)


class Cluster:
    """A cluster that is connected.

    Args:
        client: Dask's.

    Attributes:
        client: Dask's.
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        if not self._about():
            raise ClusterError("the cluster has no workers: start some with `dask worker`")

    @property
    def workers(self) -> int:
        """Tasks that it carries out at once."""
        return sum(about["nthreads"] for about in self._about())

    def check_memory(self, wanted: int) -> None:
        """Refuse spectra for which workers have no room, before they are restarted for ever.

        Args:
            wanted: Memory of one set of them.

        Raises:
            ClusterError: There is too little.
        """
        needed = SortPlan(
            total=0, surveyed=0, workers=1, set_bytes=wanted, survey_rate=1.0, fill_rate=1.0
        ).worker_bytes
        for about in self._about():
            there = about["memory_limit"] // max(1, about["nthreads"])
            if about["memory_limit"] and there < needed:
                raise ClusterError(
                    f"a task needs {needed >> 20} MiB, three sets of the spectra with it, and worker "
                    f"{about['name']} has {there >> 20} MiB for each: book fewer bins, or start fewer "
                    "workers with more memory each"
                )

    def sort(
        self,
        job: SortJob,
        files: Sequence[SortedFile],
        tell: Callable[[SortProgress], object] = lambda _: None,
    ) -> Filled:
        """Fill spectra from files, and return them as one process would have filled them.

        Args:
            job: Spectra and rules.
            files: In order.
            tell: Called several times a second.

        Raises:
            ClusterError: It cannot be done; a worker died too often.
        """
        sorting = _Sorting(self.client, tell, sum(file.size for file in files))
        total, workers = sorting.total, self.workers

        def wanted(left: int) -> int:
            return share_bytes(left, total, workers)

        surveys = sorting.survey(files, wanted, last_bytes(total, workers), job)
        strips = job.of_kind(STRIP.letters)
        shared = replace(job, spectra=job.spectra - strips.spectra)
        return sorting.fill(shared, parts_of(files, surveys, wanted), strips, workers)

    def _about(self) -> list[Any]:
        return list(self.client.scheduler_info(n_workers=-1)["workers"].values())


class _Sorting:
    """One sort; its tasks have names of their own."""

    def __init__(self, client: Any, tell: Callable[[SortProgress], object], total: int) -> None:
        self._client, self._tell, self.total = client, tell, total
        self._topic = f"histogrammer-{uuid4().hex}"
        self._reached: dict[str, tuple[int, str]] = {}

    def survey(
        self, files: Sequence[SortedFile], wanted: Callable[[int], int], every: int, job: SortJob
    ) -> list[Survey]:
        """Return the surveys of all files; those that are not cut need none, if each is independent.

        Args:
            files: In order.
            wanted: Bytes of the next share, by those that are left.
            every: About so many bytes lie between two places at which a file may be cut.
            job: Spectra and rules.
        """
        is_each_whole = are_independent(files, has_computed=bool(job.definitions.pseudos))
        left = self.total - np.cumsum([0, *(file.size for file in files[:-1])])
        are_surveyed = [
            not is_each_whole or file.size > wanted(int(there))
            for file, there in zip(files, left, strict=True)
        ]
        found = iter(self._surveys(list(itertools.compress(files, are_surveyed)), every))
        whole = Survey((), InForce())
        return [next(found) if is_surveyed else whole for is_surveyed in are_surveyed]

    def _surveys(self, files: Sequence[SortedFile], every: int) -> list[Survey]:
        groups: list[list[SortedFile]] = [[]]
        for file in files:
            groups[-1].append(file)
            if sum(one.size for one in groups[-1]) >= every:
                groups.append([])
        groups = [group for group in groups if group]
        futures = [
            self._client.submit(
                _survey_all,
                [file.path for file in group],
                every,
                key=f"survey-{self._topic}-{number}",
            )
            for number, group in enumerate(groups)
        ]
        sizes = {
            future.key: sum(file.size for file in group)
            for future, group in zip(futures, groups, strict=True)
        }
        self._wait(
            "surveyed",
            futures,
            lambda: sum(sizes[future.key] for future in futures if future.done()),
        )
        return [one for future in futures for one in self._result(future)]

    def fill(
        self,
        job: SortJob,
        shares: Sequence[tuple[FilePart, ...]],
        strips: SortJob,
        workers: int,
    ) -> Filled:
        """Return all spectra, and the accounts of all files.

        Args:
            job: Spectra that are filled from shares.
            shares: In order; each is a task.
            strips: Spectra that are filled from all files in one task.
            workers: Number of shares that are filled at once.
        """
        alone = self._in_order(strips, shares)
        keys = [f"fill-{self._topic}-{number}" for number in range(len(shares))]
        graph: dict[str, Any] = {
            key: (_Fill(job, share, self._topic, key),)
            for key, share in zip(keys, shares, strict=True)
        }
        merges = merges_of(f"merge-{self._topic}", keys, workers)
        names = [*keys, *merges][-1:]
        graph |= {name: (merge, pair) for name, pair in merges.items()}
        # one message for all tasks: whoever sends and who is sent to are threads of one process
        futures = self._client.get(graph, names, sync=False, priority=_priority)
        wanted = futures + alone
        self._client.subscribe_topic(self._topic, self._note)
        try:
            self._wait("filled", wanted, lambda: sum(self._done(key) for key in keys))
        finally:
            self._client.unsubscribe_topic(self._topic)
        results: list[Filled] = [self._result(future) for future in wanted]
        found, *of_strips = results
        if not of_strips:
            return found
        (ordered,) = of_strips
        return replace(found, cells={**found.cells, **ordered.cells}, moved=ordered.moved)

    def _in_order(self, job: SortJob, shares: Sequence[tuple[FilePart, ...]]) -> list[Any]:
        """Return the task of spectra that depend on the order of all events, if there are any."""
        if not job.spectra:
            return []
        firsts = {part.number: part for share in shares for part in share if not part.start}
        whole = [replace(part, stop=None) for part in firsts.values()]
        key = f"strips-{self._topic}"
        return [self._client.submit(_Fill(job, whole, self._topic, key), key=key, priority=100)]

    def _wait(self, word: str, futures: Sequence[Any], done: Callable[[], int]) -> None:
        """Wait for tasks, and tell how far they are."""
        begun = time.monotonic()
        while True:
            so_far, took = done(), time.monotonic() - begun
            left = (self.total - so_far) * took / so_far if so_far else None
            self._tell(SortProgress(word, min(so_far, self.total), self.total, left))
            if self._are_done(futures):
                return

    def _done(self, key: str) -> int:
        return self._reached.get(key, (0, ""))[0]

    def _are_done(self, futures: Sequence[Any]) -> bool:
        from distributed import wait

        left = [one for one in futures if not one.done()]
        try:
            with self._client.as_current():
                wait(left, timeout=LOOK_S)
        except TimeoutError:
            return False
        return True

    def _note(self, event: tuple[float, dict[str, Any]]) -> None:
        message = event[1]
        self._reached[message["key"]] = (
            message["done"],
            f"{message['file']}: byte {message['byte']}",
        )

    def _result(self, future: Any) -> Any:
        from distributed.scheduler import KilledWorker

        try:
            return future.result()
        except KilledWorker as error:
            where = self._reached.get(str(error.task), (0, "before its first block"))[1]
            raise ClusterError(
                f"workers died over the same task, the last one {error.last_worker.address}; it had "
                f"come to: {where}. Look into its log, and at its memory"
            ) from error
        except (ImportError, MemoryError, RuntimeError) as error:
            raise ClusterError(
                f"a worker failed: {text_of(error)}; scheduler and workers need "
                "dealer-player[cluster] in this version, and memory for the spectra"
            ) from error


def _survey_all(paths: Sequence[str], every: int) -> list[Survey]:
    return [survey(path, every) for path in paths]


def _priority(key: str) -> float:
    """Return the priority of a task by its name: merges, then fills in order, as the last ones are
    the shortest. One at most, so that whoever asks for more on the same cluster need not wait."""
    word, *_, number = key.split("-")
    return 1 / (1 + int(number)) if word == "fill" else 1.0


@dataclass(frozen=True, slots=True)
class _Fill:
    """Task that fills, and tells the client how far it is; nothing depends on that.

    Attributes:
        job: Spectra and rules.
        parts: In order.
        topic: Events of it tell how far it is.
        key: Its name.
    """

    job: SortJob
    parts: Sequence[FilePart]
    topic: str
    key: str

    def __dask_tokenize__(self) -> str:
        """Return its name, by which Dask need not look through all that it holds."""
        return self.key

    def __call__(self) -> Filled:
        """Carry it out, on a worker."""
        from distributed import get_worker

        worker = get_worker()
        told_at = -1.0

        def tell(file: str, byte: int, done: int) -> None:
            nonlocal told_at
            now = time.monotonic()
            if now - told_at >= TELL_S:
                told_at = now
                worker.log_event(self.topic, self._message(file, byte, done))

        found = fill(self.job, self.parts, tell)
        last = self.parts[-1]
        size = sum(part.size for part in self.parts)
        worker.log_event(self.topic, self._message(last.file.name, last.start, size))
        return found

    def _message(self, file: str, byte: int, done: int) -> dict[str, Any]:
        return {"key": self.key, "file": file, "byte": byte, "done": done}
