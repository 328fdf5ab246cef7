"""The analysis of events: attach, start, stop, ends, errors, and what clients are told of it."""

from __future__ import annotations

import socket
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.ringfiles import definitions, event, item

from histogrammer.analyzer import NOT_ATTACHED, Analyzer
from histogrammer.axes import Axis
from histogrammer.engine import Engine
from histogrammer.errors import AnalysisError
from histogrammer.events.protocol.acquisitionitems import StateChange
from histogrammer.filling import Filler
from histogrammer.roots import Roots
from histogrammer.spectra import kind_of
from histogrammer.worker import Worker

HEAD = definitions([(7, "a"), (3, "b")])
PROGRAM = (
    "import sys, time; sys.stdout.buffer.write(bytes.fromhex(sys.argv[1])); sys.stdout.flush(); {}"
)


def begin_run(run: int, title: str) -> bytes:
    """Return an item of format 11."""
    payload = struct.pack("<IIII", run, 0, 0, 1) + title.encode().ljust(81, b"\0")
    return item(1, payload, struct.pack("<I", 0))


def events(*values: float) -> bytes:
    """Return events of `a` alone."""
    return b"".join(event(k, [(7, value)]) for k, value in enumerate(values))


def program(data: bytes, then: str = "") -> list[str]:
    """Return the command of a program that writes items."""
    return [sys.executable, "-c", PROGRAM.format(then), data.hex()]


@pytest.fixture
def worker() -> Iterator[Worker[Engine]]:
    engine = Engine(filler=Filler(threads=1, compiled=False))
    engine.create_parameter("a")
    engine.create_spectrum(kind_of("1").define("s", [["a"]], [Axis(0.0, 4.0, 4)]))
    one = Worker(engine)
    yield one
    one.close()
    engine.close()


@pytest.fixture
def analyzer(worker: Worker[Engine], tmp_path: Path) -> Iterator[Analyzer]:
    programs = {
        "three": program(HEAD + events(0.0, 1.0, 2.0)),
        "endless": program(HEAD + events(1.0), "time.sleep(60)"),
    }
    with Analyzer(worker, roots=Roots([tmp_path]), programs=programs) as one:
        yield one


def counts(worker: Worker[Engine]) -> list[float]:
    """Return the counts of the bins."""
    return worker.ask(lambda engine: engine.spectrum("s").contents.cells[1:-1].tolist())


def test_file_is_read_to_its_end_and_stays_attached(
    analyzer: Analyzer, worker: Worker[Engine], tmp_path: Path
) -> None:
    data = begin_run(42, "gold on lead") + HEAD + events(0.0, 1.0, 1.5, 3.0)
    (tmp_path / "f").write_bytes(data)
    analyzer.attach("file", str(tmp_path / "f"))
    assert (analyzer.state().is_active, analyzer.state().size) == (False, len(data))
    analyzer.start()
    assert analyzer.wait(300)
    assert counts(worker) == [1.0, 2.0, 0.0, 1.0]
    state = analyzer.state()
    assert (state.is_active, state.error, state.run, state.title) == (False, "", 42, "gold on lead")
    assert (state.events, state.items, state.bytes, state.fraction) == (4, 6, len(data), 1.0)
    assert analyzer.attached == f"file:{tmp_path / 'f'}"
    analyzer.start()  # another end of file, at once
    assert analyzer.wait(300)
    assert counts(worker) == [1.0, 2.0, 0.0, 1.0]


def test_parameters_of_a_file_are_created_and_those_that_exist_are_used(
    analyzer: Analyzer, worker: Worker[Engine], tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(definitions([(1, "new"), (2, "a")]) + event(0, [(2, 2.5)]))
    analyzer.attach("file", str(tmp_path / "f"))
    analyzer.start()
    assert analyzer.wait(300)
    assert worker.ask(lambda engine: list(engine.parameters)) == ["a", "new"]
    assert counts(worker) == [0.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize("cut", [1, 11, 30])
def test_file_that_is_cut_says_where_and_its_events_count(
    analyzer: Analyzer, worker: Worker[Engine], tmp_path: Path, cut: int
) -> None:
    good, path = HEAD + events(1.0, 1.0), tmp_path / "f"
    path.write_bytes(good + events(2.0)[:cut])
    analyzer.attach("file", str(path))
    analyzer.start()
    assert analyzer.wait(300)
    assert analyzer.state().error.startswith(f"{path}: byte {len(good)}: ")
    assert counts(worker) == [0.0, 2.0, 0.0, 0.0]


def test_error_is_cleared_by_the_next_start(analyzer: Analyzer, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(HEAD[:10])
    analyzer.attach("file", str(path))
    analyzer.start()
    assert analyzer.wait(300)
    assert "byte 0" in analyzer.state().error
    with path.open("ab") as file:
        file.write(HEAD[10:])
    analyzer.start()
    assert analyzer.wait(300)
    assert analyzer.state().error == ""


def test_several_files_are_one_source_that_goes_on_after_a_bad_one(
    analyzer: Analyzer, worker: Worker[Engine], tmp_path: Path
) -> None:
    paths = [tmp_path / name for name in "abc"]
    for path, data in zip(paths, (events(0.0), events(1.0) + b"cut", events(2.0)), strict=True):
        path.write_bytes(HEAD + data)
    analyzer.attach_files([str(path) for path in paths], keep_going=True)
    analyzer.start()
    assert analyzer.wait(300)
    assert counts(worker) == [1.0, 1.0, 1.0, 0.0]
    assert [account.events for account in analyzer.accounts()] == [1, 1, 1]
    assert analyzer.state().error.startswith(f"{paths[1]}: byte ")


def test_stop_leaves_all_that_was_read_in_the_spectra_and_start_goes_on(
    analyzer: Analyzer, worker: Worker[Engine]
) -> None:
    analyzer.attach("pipe", "endless")
    analyzer.start()
    while not analyzer.state().events:
        assert not analyzer.wait(0.001)
    assert analyzer.attached == "pipe:endless"
    with pytest.raises(AnalysisError) as found:
        analyzer.start()
    assert (found.value.status, found.value.detail) == (
        "Failed to start analysis",
        "Already processing endless",
    )
    analyzer.stop()
    assert counts(worker) == [0.0, 1.0, 0.0, 0.0]
    assert not analyzer.state().is_active
    analyzer.start()
    assert analyzer.state().is_active


def test_stop_as_soon_as_it_is_active_is_heeded(
    analyzer: Analyzer, worker: Worker[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = threading.Thread.start

    def halt_first(thread: threading.Thread) -> None:
        assert analyzer.state().is_active
        analyzer.halt()
        begin(thread)

    analyzer.attach("pipe", "endless")
    monkeypatch.setattr(threading.Thread, "start", halt_first)
    analyzer.start()
    assert analyzer.wait(30.0)


def test_start_without_a_thread_left_is_refused_and_may_be_tried_again(
    analyzer: Analyzer, worker: Worker[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    analyzer.attach("pipe", "three")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        with pytest.raises(AnalysisError, match="Failed to start analysis") as found:
            analyzer.start()
    assert "can't start new thread" in found.value.detail
    assert not analyzer.state().is_active
    analyzer.start()
    assert analyzer.wait(30.0)
    assert sum(counts(worker)) == 3


def test_program_that_ends_is_a_source_that_ends(
    analyzer: Analyzer, worker: Worker[Engine]
) -> None:
    analyzer.attach("pipe", "three")
    analyzer.start()
    assert analyzer.wait(300)
    assert (counts(worker), analyzer.state().error) == ([1.0, 1.0, 1.0, 0.0], "")
    assert analyzer.state().size is None


def test_attach_stops_what_runs_and_forgets_it(analyzer: Analyzer, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(HEAD)
    analyzer.attach("pipe", "endless")
    analyzer.start()
    analyzer.attach("file", str(tmp_path / "f"))
    assert (analyzer.state().is_active, analyzer.state().events) == (False, 0)


def test_live_stream_is_attached_by_its_name_and_its_counts_and_rates_are_told(
    worker: Worker[Engine], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = f"127.0.0.1:{server.getsockname()[1]}"
        now = [100.0]
        with Analyzer(
            worker, roots=Roots([tmp_path]), streams={"now": place}, clock=lambda: now[0]
        ) as analyzer:
            with pytest.raises(AnalysisError, match=r"is not supported: x is no stream .*: now$"):
                analyzer.attach("stream", "x")
            assert analyzer.state().told_live() is None
            analyzer.attach("stream", "now")
            analyzer.start()
            with server.accept()[0] as link:
                link.sendall(HEAD + events(0.0, 1.0, 1.0))
                now[0] = 101.0
                while analyzer.state().events < 3:
                    assert not analyzer.wait(0.001)
                state = analyzer.state()
                analyzer.stop()
            assert (analyzer.attached, state.size) == ("stream:now", None)
            assert counts(worker) == [1.0, 2.0, 0.0, 0.0]
            told = state.told_live() or {}
            assert (told["events"], told["skipped_events"], told["skipped_rate"]) == (3, 0, 0.0)
            assert (told["connections"], told["is_connected"]) == (1, True)
            assert state.came_rate in (0.0, 3.0)  # as the part with them was, or was not, noted


REFUSALS = [
    ("test", "x", "Data source type 'test' is not supported", "This is Rustogramer not SpecTcl"),
    ("file", "none", "Attach failed", "No such file or directory"),
    ("file", ".", "Attach failed", "is no regular file"),
    ("file", "../out", "Attach failed", "is not below the folders that files are read from, "),
    ("file", "link", "Attach failed", "is not below the folders that files are read from, "),
    ("file", "a\0b", "Attach failed", "is no path of a file"),
    ("stream", "127.0.0.1:1", "Data source type 'stream' is not supported", "This is Rustogramer"),
    ("pipe", "rm", "Data source type 'pipe' is not supported", "rm is no program of the"),
]


@pytest.mark.parametrize(("kind", "source", "status", "detail"), REFUSALS)
def test_attach_is_refused_with_the_words_that_clients_know(
    worker: Worker[Engine], tmp_path: Path, kind: str, source: str, status: str, detail: str
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "out").write_bytes(HEAD)
    (root / "link").symlink_to(tmp_path / "out")
    path = str(root / source) if kind == "file" else source
    with Analyzer(worker, roots=Roots([root]), programs={"gate": ["true"]}) as analyzer:
        with pytest.raises(AnalysisError) as found:
            analyzer.attach(kind, path)
        assert found.value.status == status
        assert (found.value.detail or "").startswith(detail)
        assert analyzer.attached == NOT_ATTACHED


def test_programs_are_no_source_unless_the_configuration_has_some(
    worker: Worker[Engine], tmp_path: Path
) -> None:
    with Analyzer(worker, roots=Roots([tmp_path])) as analyzer:
        with pytest.raises(AnalysisError, match="'pipe' is not supported: This is Rustogramer"):
            analyzer.attach("pipe", "true")


def test_requests_without_a_source_are_refused_with_the_words_that_clients_know(
    analyzer: Analyzer, tmp_path: Path
) -> None:
    with pytest.raises(AnalysisError, match=r"^Failed to detach: Not attached to a data source$"):
        analyzer.detach()
    with pytest.raises(AnalysisError, match=r"^Failed to start analysis: No file is attached$"):
        analyzer.start()
    with pytest.raises(AnalysisError, match=r"^Failed to stop analysis: Not processing data$"):
        analyzer.stop()
    (tmp_path / "f").write_bytes(HEAD)
    analyzer.attach("file", str(tmp_path / "f"))
    analyzer.detach()
    assert analyzer.attached == NOT_ATTACHED


def test_ring_format_is_eleven_or_twelve(analyzer: Analyzer) -> None:
    assert analyzer.ring_format == 11
    analyzer.ring_format = 12
    with pytest.raises(AnalysisError) as found:
        analyzer.ring_format = 10
    assert found.value.status == "Unable to set ring format version"
    assert found.value.detail == "10 is not a legal Ring format version"
    assert (analyzer.ring_format, analyzer.batch_events) == (12, 100)


def test_changes_of_a_run_are_told_when_the_events_before_them_count(
    worker: Worker[Engine], tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(HEAD + events(1.0) + begin_run(5, "t") + events(1.0))
    told: list[tuple[int, list[float]]] = []

    def on_state_change(change: StateChange) -> None:
        told.append((change.run, counts(worker)))
        raise RuntimeError("nobody listens")

    with Analyzer(worker, roots=Roots([tmp_path]), on_state_change=on_state_change) as analyzer:
        analyzer.attach("file", str(tmp_path / "f"))
        analyzer.start()
        assert analyzer.wait(300)
    assert told == [(5, [0.0, 1.0, 0.0, 0.0])]
    assert counts(worker) == [0.0, 2.0, 0.0, 0.0]


def test_reading_that_raises_ends_the_analysis_with_its_reason(
    analyzer: Analyzer, worker: Worker[Engine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(engine: Engine, block: object) -> None:
        raise SystemExit("a filling that fails")

    monkeypatch.setattr(Engine, "fill", fill)
    (tmp_path / "f").write_bytes(HEAD + events(1.0))
    analyzer.attach("file", str(tmp_path / "f"))
    analyzer.start()
    assert analyzer.wait(300)
    assert "a filling that fails" in analyzer.state().error
    assert worker.ask(lambda _: "alive") == "alive"


def test_analysis_ends_when_the_engine_is_gone(
    analyzer: Analyzer, worker: Worker[Engine], tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(HEAD + events(1.0))
    worker.close()
    analyzer.attach("file", str(tmp_path / "f"))
    analyzer.start()
    assert analyzer.wait(300)
    assert "the histogrammer has ended" in analyzer.state().error


def test_close_ends_the_program_that_is_read(worker: Worker[Engine], tmp_path: Path) -> None:
    programs = {"endless": program(HEAD, "time.sleep(60)")}
    with Analyzer(worker, roots=Roots([tmp_path]), programs=programs) as analyzer:
        analyzer.attach("pipe", "endless")
        analyzer.start()
    assert not analyzer.state().is_active
    assert not [t for t in threading.enumerate() if t.name == "reading events" and t.is_alive()]


def test_rates_are_those_of_the_last_seconds(worker: Worker[Engine], tmp_path: Path) -> None:
    now = 100.0
    programs = {"endless": program(HEAD + events(*[1.0] * 10), "time.sleep(60)")}
    with Analyzer(
        worker, roots=Roots([tmp_path]), programs=programs, clock=lambda: now
    ) as analyzer:
        analyzer.attach("pipe", "endless")
        assert analyzer.state().event_rate == 0.0
        analyzer.start()
        while analyzer.state().blocks < 1:
            assert not analyzer.wait(0.001)
        now = 102.0
        state = analyzer.state()
        assert state.left_s is None
        if state.event_rate:  # noted right after the block was counted
            assert state.event_rate == 5.0
            assert "10 events, 5 events/s" in state.sentence()
