"""Distributions: contents of wheel and sdist, and programs that run from wheels alone, in their own
environment."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from support.packages import PACKAGES
from support.player_run import ROOT, PlayerRun, clean_environment, free_port
from support.port_manager import ServerProcess

import dealer

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SUPPLY = ROOT / "examples" / "power_supply"
NSCLDAQ = ROOT / "compat" / "nscldaq"
DIBAS = ROOT / "compat" / "dibas"
SCRIPTS = (
    "from nscldaq.PortManager import PortManager; pm = PortManager('localhost', port)",
    "from nscldaq.portmanager import PortManager; pm = PortManager.PortManager('localhost', port)",
)
"""The documented spelling, and the one that is installed and used everywhere."""


def build(project: Path, target: Path, kind: str) -> Path:
    words = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    subprocess.run(words, cwd=project, check=True, capture_output=True, timeout=600)
    (found,) = target.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")


class Environment:
    """An environment with some wheels; what they need is taken from that of the tests, and comes
    after them."""

    def __init__(self, folder: Path, *wheels: Path) -> None:
        self.folder = folder
        subprocess.run(
            [sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=600
        )
        words = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(folder / "bin" / "python"),
            "install",
            "--quiet",
        ]
        words += ["--no-deps", "--no-index", "--disable-pip-version-check", *map(str, wheels)]
        subprocess.run(words, check=True, capture_output=True, timeout=600)
        site = Path(
            sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
        )
        (site / "zz_needed.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def run(self, program: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in clean_environment().items() if k != "PYTHONPATH"}
        return subprocess.run(
            [str(self.folder / "bin" / program), *map(str, words)],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("environment")
    others = [
        build(project, folder / project.name, "wheel") for project in (SUPPLY, NSCLDAQ, DIBAS)
    ]
    return Environment(folder / "venv", wheel, *others)


def test_the_wheel_has_what_runs_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert {"player/conf/dibas.toml", "player/conf/schema/dibas.schema.json"} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    top = {name.partition("/")[0] for name in names}
    assert {name for name in top if not name.startswith("dealer_player-")} == {*PACKAGES}
    deployed = {
        f"player/{path.relative_to(ROOT)}"
        for path in (ROOT / "deploy").rglob("*")
        if path.is_file()
    }
    assert deployed <= names
    templates = {
        str(path.relative_to(ROOT)) for path in (ROOT / "player" / "template").rglob("*.tmpl")
    }
    assert templates <= names
    ours = names - templates
    assert not [name for name in ours if name.endswith((".pyc", ".so")) or "/tests/" in name]
    metadata = next(name for name in names if name.endswith("METADATA"))
    text = zipfile.ZipFile(wheel).read(metadata).decode()
    needed = [
        line
        for line in text.splitlines()
        if line.startswith("Requires-Dist:") and "extra ==" not in line
    ]
    assert needed == ["Requires-Dist: pyzmq>=26"]


def test_every_extra_brings_what_our_code_imports_or_users_run() -> None:
    """But for setuptools, of which supervisor asks for its own version, and websockets and
    httptools, which uvicorn takes."""
    text = "".join(
        path.read_text(encoding="utf-8")
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    )
    imported = set(re.findall(r"^\s*(?:import|from) (\w+)", text, re.MULTILINE))
    imported |= set(re.findall(r"import_module\(\"(\w+)", text))
    names = {"pyserial": "serial"}
    for extra, lines in PROJECT["optional-dependencies"].items():
        if extra not in ("demo", "docs", "dev", "dev-web"):
            brought = {re.split(r"[<>=\[]", line)[0] for line in lines} - {
                "dealer-player",
                "setuptools",
                "supervisor",
                "websockets",
                "httptools",
            }
            assert {names.get(each, each.replace("-", "_")) for each in brought} <= imported, extra


def test_how_to_cite_is_of_this_version() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    found = dict(re.findall(r"^([\w-]+): (.+)$", text, re.MULTILINE))
    assert (found["version"], found["license"], found["cff-version"]) == (
        PROJECT["version"],
        PROJECT["license"],
        "1.2.0",
    )
    assert f"  - name: {PROJECT['authors'][0]['name']}" in text


def test_the_sdist_is_the_whole_project(tmp_path: Path) -> None:
    with tarfile.open(build(ROOT, tmp_path, "sdist")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    wanted = {name for name in tracked if not name.startswith(".ci/")} or {
        "pyproject.toml",
        "conf/dibas.toml",
    }
    assert wanted - names == set()
    made = (".ci", ".venv", "build/", "demo-run", "demo-histogrammer-run", "demo-difx-run")
    assert not [name for name in names if name.startswith(made)]


def test_programs_run_from_the_wheel(installed: Environment) -> None:
    for program in ("dealer", "player", "spectrometer-daq", "portmanager"):
        done = installed.run(program, "--help")
        assert (done.returncode, "usage: " in done.stdout) == (0, True), (program, done.stderr)
    assert installed.run("dealer", "--version").stdout.startswith("dealer 0.")
    where = installed.run(
        "python", "-c", "import player, power_supply; print(player.__file__, power_supply.__file__)"
    )
    assert [path.startswith(str(installed.folder)) for path in where.stdout.split()] == [
        True,
        True,
    ], where.stderr
    unit = installed.run("player", "systemd-unit", "--user", "root")
    assert (unit.returncode, unit.stderr) == (0, "")
    assert f"\nExecStart={installed.folder}/bin/python" in unit.stdout
    shipped = installed.folder.rglob("player/conf/dibas.toml")
    assert installed.run("player", "check", "--config", next(shipped)).returncode == 0


def test_programs_of_dibas_find_the_names_of_its_modules(
    installed: Environment, tmp_path: Path
) -> None:
    script = """
import threading, zmq
import ZMQJSONProxy
from ZMQJSONProxy import ZMQJSONProxyClient, ZMQJSONProxyException, ZMQJSONProxyServer
from dealer import Dealer, SWbits
class Bank:
    def cat(self, sound):
        return [sound, SWbits.SIG, SWbits.REF, SWbits.CALON, SWbits.CALOFF]
    def fail(self):
        raise ValueError("as asked")
ctx = zmq.Context()
server = ZMQJSONProxyServer(ctx, "tcp://127.0.0.1:*")
server.expose("bank", Bank())
thread = threading.Thread(target=server.run_loop)
thread.start()
client = ZMQJSONProxyClient(ctx, "bank", server.url, 20.0)
print(client.cat("meow"), Dealer({"BANKA": server.url}).cat("purr"))
try:
    client.fail()
except ZMQJSONProxyException as error:
    print(error.args[0][:2])
client.close(); server.quit_loop(); thread.join()
print(ZMQJSONProxy.__file__)
"""
    done = installed.run("python", "-c", script)
    first, second, where = done.stdout.splitlines()
    assert first == "['meow', 0, 1, 1, 0] {'BANKA': ['purr', 0, 1, 1, 0]}", done.stderr
    assert second == "['ValueError', 'as asked']"
    assert where.startswith(str(installed.folder))


def test_a_sites_own_bank_is_installed_and_driven_by_a_dealer(
    installed: Environment, tmp_path: Path
) -> None:
    config, port, endpoint = tmp_path / "supply.toml", free_port(), free_port()
    text = (
        (SUPPLY / "supply.toml")
        .read_text()
        .replace("6670", str(port))
        .replace("5025", str(endpoint))
    )
    config.write_text(text)
    checked = installed.run("player", "check", "--config", config)
    assert (checked.returncode, "SUPPLY" in checked.stdout) == (0, True), checked.stderr
    misspelt = tmp_path / "misspelt.toml"
    misspelt.write_text(text.replace("limit_v", "limit_w"))
    assert "did you mean limit_v?" in installed.run("player", "check", "--config", misspelt).stderr
    environment = clean_environment(DIBAS_DATA=str(tmp_path))
    words = ["SUPPLY", "--simulate", "--config", config]
    program = installed.folder / "bin" / "player"
    with PlayerRun(*words, log=tmp_path / "player.log", env=environment, program=program) as run:
        run.wait_ready()
        with dealer.Dealer(config=config) as d:
            d.add_active_player("SUPPLY")
            bank = d["SUPPLY"]
            bank.output(True)
            assert bank.ramp(1.5) == 1.5
            assert bank.get_status()["amperes"] == pytest.approx(0.15)
        told = installed.run("dealer", "call", "SUPPLY", "get_status", "--json", "--config", config)
        assert (told.returncode, '"volts": 1.5' in told.stdout) == (0, True), told.stderr
        assert f"endpoint scpi of SUPPLY is at tcp://127.0.0.1:{endpoint}" in run.text


def test_the_sites_own_tests_pass_in_its_environment(installed: Environment) -> None:
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", SUPPLY / "tests"]
    done = installed.run("python", *words)
    assert (done.returncode, "passed" in done.stdout) == (0, True), done.stdout + done.stderr


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_written_for_nscldaq_run_unchanged(
    script: str, installed: Environment, tmp_path: Path
) -> None:
    program = f"""import getpass, nscldaq, sys; port = int(sys.argv[1]); {script}; p = pm.getPort('svc')
print(pm.find(service='svc') == [{{'port': p, 'service': 'svc', 'user': getpass.getuser()}}], nscldaq.__file__)"""
    with ServerProcess(tmp_path) as server:
        done = installed.run("python", "-c", program, str(server.port))
    assert done.stdout.startswith(f"True {installed.folder}"), done.stdout + done.stderr


@pytest.mark.parametrize("script", SCRIPTS)
def test_names_that_such_a_script_has_quoted_are_those_it_means(
    script: str, installed: Environment, tmp_path: Path
) -> None:
    names = {
        "{two words}": "two words",
        "plain": "plain",
        r"a\ b": "a b",
        '"say it"': "say it",
        "a{b}c": "a{b}c",
    }
    program = f"""import sys; port = int(sys.argv[1]); {script}
for name in {list(names)!r}: pm.getPort(name)
print(sorted(one['service'] for one in pm.listPorts()))"""
    with ServerProcess(tmp_path) as server:
        done = installed.run("python", "-c", program, str(server.port))
    assert done.stdout == f"{sorted(names.values())}\n", done.stderr
