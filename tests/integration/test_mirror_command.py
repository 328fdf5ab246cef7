"""The program `mirror`: histogrammers found by the names of their services, copies that outlive them."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.histogrammer_process import HistogrammerProcess
from support.player_run import clean_environment, poll
from support.port_manager import ServerProcess

from groundwork.closing import Closing
from histogrammer import display
from histogrammer.display import MemoryState
from histogrammer.mirror.cli import main
from portmanager import PortManager

READY = re.compile(
    r"ready: memory ([0-9A-Za-z]{4}) of (\d+) bytes, a copy of localhost:RG_MIRROR\n"
)
SERVICES = ["--rest-service", "RG_REST", "--mirror-service", "RG_MIRROR"]


class MirrorProcess(Closing):
    """The program, started."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "histogrammer.mirror.cli", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )

    def ready(self) -> tuple[str, int]:
        """Wait until it has a copy: key, and bytes of channels."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = READY.fullmatch(line)
        assert found, (line, self.process.poll())
        return found[1], int(found[2])

    def close(self) -> None:
        """End it, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def users_of(folder: Path, manager: int, user: str, *options: str) -> HistogrammerProcess:
    """Start a histogrammer of a user, with two services."""
    home = folder / user
    home.mkdir(exist_ok=True)
    path = home / "array.toml"
    path.write_text(
        f'[instrument]\nportmanager = "127.0.0.1:{manager}"\n'
        '[banks.GAMMAS]\nkind = "histogrammer"\nhpc_host = "localhost"\nthreads = 1\n'
    )
    words = ["--config", str(path), "--url", "tcp://127.0.0.1:*", *SERVICES, *options]
    return HistogrammerProcess(home, *words, LOGNAME=user, USER=user)


def show(one: HistogrammerProcess, name: str, counts: Sequence[int]) -> None:
    """Book a spectrum, give it counts, and bind it."""
    one.ask("parameter/create", name="a")
    axes = f"{{0 {len(counts)} {len(counts)}}}"
    one.ask("spectrum/create", name=name, type="1", parameters="a", axes=axes)
    for channel, count in enumerate(counts):
        one.ask("channel/set", spectrum=name, xchannel=str(channel), value=str(count))
    one.ask("sbind/all")


def test_two_users_have_two_services_each_and_a_copy_outlives_its_histogrammer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ServerProcess(tmp_path / "pm", size=8) as manager:
        rusty = users_of(tmp_path, manager.port, "rusty", "-s1")
        graham = users_of(tmp_path, manager.port, "graham", "-s1")
        with rusty, graham, PortManager("127.0.0.1", manager.port) as client:
            listed = {(one.service, one.user): one.port for one in client.list_ports()}
            assert listed == {  # the table of the seed
                ("RG_REST", "rusty"): rusty.port,
                ("RG_MIRROR", "rusty"): rusty.mirror_port,
                ("RG_REST", "graham"): graham.port,
                ("RG_MIRROR", "graham"): graham.mirror_port,
            }
            assert len(set(listed.values())) == 4
            show(graham, "of graham", [1, 2, 3])
            words = ["-H", "localhost", "-R", "RG_REST", "-M", "RG_MIRROR", "-u", "graham"]
            words += ["--portmanager", f"127.0.0.1:{manager.port}"]
            with MirrorProcess(*words) as mirror:
                key, size = mirror.ready()
                assert size == 1 << 20
                copy = display.open(key)
                assert copy["of graham"].counts.tolist() == [1, 2, 3]
                assert copy.state is MemoryState.LIVE
                (listing,) = graham.ask("mirror")
                assert listing["shmkey"] == key
                assert rusty.ask("mirror") == []
                assert main(words) == 0
                said = capsys.readouterr().out
                assert f"memory {key}, a copy of localhost:RG_MIRROR that another program" in said

                graham.process.kill()
                graham.wait()
                poll(lambda: copy.state is MemoryState.STALE, "the copy is stale")
                assert copy["of graham"].counts.tolist() == [1, 2, 3]
                with users_of(tmp_path, manager.port, "graham", "-s2") as again:
                    show(again, "anew", [7])
                    key, size = mirror.ready()
                    assert size == 2 << 20
                    assert copy.state is MemoryState.GONE
                    copy = display.open(key)
                    poll(lambda: "anew" in copy and copy["anew"].counts[0] == 7, "it is copied")
                    assert copy.state is MemoryState.LIVE
                    local = display.open(f"http://127.0.0.1:{again.port}")
                    assert (local.key, list(local)) == (again.key, ["anew"])
                    mirror.process.send_signal(signal.SIGTERM)
                    assert mirror.process.wait(60) == 0
                    assert copy.state is MemoryState.GONE
                    poll(lambda: not again.ask("mirror"), "it is not listed")


def test_what_is_not_there_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    words = ["-H", "127.0.0.1", "--portmanager", f"127.0.0.1:{port}"]
    assert main([*words, "-R", port]) == 1
    assert main([*words, "-R", "RG_REST", "-u", "graham"]) == 1
    assert main([*words, "-R", "70000"]) == 1
    assert main(["--portmanager", "a b"]) == 2
    said = capsys.readouterr().err.splitlines()
    said = [line for line in said if line.startswith("mirror: ")]
    assert said[0].startswith(f"mirror: http://127.0.0.1:{port} does not answer: ")
    assert said[1].startswith("mirror: service RG_REST of graham at the port manager 127.0.0.1:")
    assert said[2:] == [
        "mirror: 70000 is no port: 1 to 65535 are",
        "mirror: 'a b' is no address of a port manager; write HOST or HOST:PORT, as localhost:30000",
    ]
