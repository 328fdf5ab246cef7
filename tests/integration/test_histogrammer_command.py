"""The program `histogrammer`, as users start it, feed it and end it."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomlkit
from support.histogrammer_process import HistogrammerProcess, start
from support.player_run import poll
from support.port_manager import ServerProcess
from support.ringfiles import definitions, event

from dealer import Dealer
from histogrammer.cli import main
from portmanager import PortManager
from portmanager.conversation import own_user

HEAD = definitions([(1, "a"), (2, "b")])
FREE = "tcp://127.0.0.1:*"
GOES_ON = """
import pathlib, os, sys, time
pathlib.Path(sys.argv[2]).write_text(str(os.getpid()))
while True:
    sys.stdout.buffer.write(bytes.fromhex(sys.argv[1]))
    sys.stdout.flush()
    time.sleep(0.01)
"""


def is_running(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and is not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def read_pid(folder: Path) -> int:
    """Wait for the program that is attached, and return its id."""
    path = folder / "pid"
    poll(lambda: path.exists() and path.read_text(), "the program has told its id")
    return int(path.read_text())


def array_file(folder: Path, **tables: object) -> Path:
    """Write a configuration with a program that writes events until nobody reads them."""
    data = (HEAD + event(0, [(1, 1.0)])).hex()
    command = [sys.executable, "-c", GOES_ON, data, str(folder / "pid")]
    bank = {
        "kind": "histogrammer",
        "hpc_host": "localhost",
        "roots": [str(folder)],
        "programs": {"goes_on": command},
    }
    path = folder / "array.toml"
    path.write_text(tomlkit.dumps({**tables, "banks": {"GAMMAS": bank}}))
    return path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HistogrammerProcess]:
    """A program for several tests, which leave it alive."""
    with started(tmp_path_factory.mktemp("home")) as one:
        yield one


def started(folder: Path) -> HistogrammerProcess:
    """Start a program on free ports, with a folder as its home."""
    words = ["-s1", "--rest-port=0", "--config", str(array_file(folder)), "--url", FREE]
    return HistogrammerProcess(folder, *words)


def test_rest_clients_and_dealers_reach_the_same_spectra(served: HistogrammerProcess) -> None:
    path = served.memory.parent / "run.evt"
    path.write_bytes(
        definitions([(1, "energy")]) + b"".join(event(k, [(1, k / 2)]) for k in range(6))
    )
    assert served.memory.stat().st_size == (1 << 20) + 5_600_000
    served.ask("parameter/create", name="energy")
    served.ask("spectrum/create", name="s", type="1", parameters="energy", axes="{0 4 4}")
    with Dealer({served.bank: served.url}) as d:
        d.add_active_player(served.bank)
        served.ask("attach/attach", type="file", source=str(path))
        served.ask("analyze/start")
        d.wait_for_scan(every=0.05)
        assert d.spectrum("s", combine="sum")["data"].tolist() == [2, 2, 2, 0]
    assert [c["v"] for c in served.ask("spectrum/contents", name="s")["channels"]] == [2, 2, 2]
    assert served.ask("shmem/variables")["RunState"] == "Inactive"
    assert served.ask("shmem/key") == f"file:{served.memory}"


KINDS = """
[gates.low]
type = "s"
parameters = ["a"]
low = 0.0
high = 1.9

[spectra.one]
type = "1"
parameters = ["a"]
axes = [[0, 4, 8]]
gate = "low"

[spectra.two]
type = "2"
parameters = ["a", "b"]
axes = [[0, 4, 4], [0, 4, 4]]
"""


def test_sorted_spectra_are_those_of_the_served_program(
    served: HistogrammerProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = served.memory.parent
    events = [event(k, [(1, k % 7 / 2), (2, k % 5)]) for k in range(100)]
    paths = [folder / "one.evt", folder / "two.evt"]
    paths[0].write_bytes(HEAD + b"".join(events[:60]))
    paths[1].write_bytes(HEAD + b"".join(events[60:]) + b"cut")
    (folder / "kinds.toml").write_text(KINDS)
    with Dealer({served.bank: served.url}) as d:
        d[served.bank].read_definitions(str(folder / "kinds.toml"))
        for path in paths:
            served.ask("attach/attach", type="file", source=str(path))
            served.ask("analyze/start")
            d.add_active_player(served.bank)
            d.wait_for_scan(every=0.05)
    served.ask("swrite", file=str(folder / "served"), format="json", spectrum="two")
    words = ["--format", "json", "--threads", "1", *map(str, paths)]
    assert main(["sort", str(folder / "kinds.toml"), "-o", str(tmp_path / "sorted"), *words]) == 3
    said = capsys.readouterr().err
    assert f"{paths[0]}: {paths[0].stat().st_size} bytes, 60 events, 120 of 120 values used" in said
    assert f"histogrammer sort: {paths[1]}: byte {paths[1].stat().st_size - 3}: " in said
    found = json.loads((tmp_path / "sorted").read_text())
    (wanted,) = json.loads((folder / "served").read_text())
    assert [one["definition"]["name"] for one in found] == ["one", "two"]
    assert found[1] == wanted
    assert sum(c["value"] for c in found[0]["channels"]) == sum(k % 7 < 4 for k in range(100))
    again = ["sort", str(folder / "served.json"), "-q", "-o", str(tmp_path / "again"), *words]
    (folder / "served").rename(folder / "served.json")
    assert main(again) == 3
    assert json.loads((tmp_path / "again").read_text()) == [wanted]


def test_killed_program_starts_again_on_the_same_ports_and_ends_while_a_program_is_read(
    tmp_path: Path,
) -> None:
    folder = tmp_path
    with started(folder) as served:
        served.ask("attach/attach", type="pipe", source="goes_on")
        served.ask("analyze/start")
        first = read_pid(folder)
        served.process.kill()
        served.process.wait(60)
    assert served.memory.exists()
    words = ["-s1", "-r", str(served.port), "--config", str(folder / "array.toml")]
    with HistogrammerProcess(folder, *words, "--url", served.url) as again:
        assert (again.port, again.url, again.bank) == (served.port, served.url, "GAMMAS")
        assert not served.memory.exists()
        poll(lambda: not is_running(first), "what nobody reads has ended")
        (folder / "pid").unlink()
        again.ask("attach/attach", type="pipe", source="goes_on")
        again.ask("analyze/start")
        second = read_pid(folder)
        again.ask("exit")
        status, said = again.wait()
        assert status == 0, said
        assert not is_running(second)
        assert not again.memory.exists()


def test_ports_of_the_port_manager_are_told_and_given_back(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "pm", size=6) as manager:
        where = f"127.0.0.1:{manager.port}"
        config = str(array_file(tmp_path, instrument={"portmanager": where}))
        with PortManager("127.0.0.1", manager.port) as other:
            taken, mirror = other.get_port("RG REST"), other.get_port("RG_MIRROR")
            services = ["--rest-service", "RG REST", "--mirror-service", "RG_MIRROR"]
            with HistogrammerProcess(tmp_path, "-s1", "--config", config, *services) as one:
                mine = {p.port for p in other.list_ports() if p.user == own_user()} - {
                    taken,
                    mirror,
                }
                assert mine == {one.port, one.mirror_port}
                status, said = one.end(signal.SIGTERM)
        assert status == 0, said
        assert f"port {one.port}, which is ours, as RG REST_1, and port {taken} as RG REST;" in said
        told = f"port {one.mirror_port}, which is ours, as RG_MIRROR_1, and port {mirror} as RG_MIRROR;"
        assert told in said
        assert said.count("(--rest-service)") == said.count("(--mirror-service)") == 1
        with PortManager("127.0.0.1", manager.port) as other:
            assert not other.list_ports()


def test_port_that_is_taken_is_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start(tmp_path, "-s1", "-r", str(port), "--mirror-port=0", ROCKET_LOG_LEVEL="off")
        out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert said.startswith("histogrammer: endpoint spectcl of HISTOGRAMMER cannot be opened: ")
    assert len(said.splitlines()) == 1
    assert not [path for path in os.listdir(tmp_path) if path.startswith(".tmp")]
