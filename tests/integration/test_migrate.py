"""`player migrate`: files in and out, exit statuses, and `player check` of what it writes."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
from pathlib import Path

import pytest
from support.player_run import ROOT
from support.player_run import player as player_process

from dealer.cli import main as dealer_main
from player.cli import main

DATA = ROOT / "tests" / "data"


def player(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """The command in this process: one of its own takes a second to begin."""
    argv = [str(word) for word in words]
    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        status = main(argv)
    return subprocess.CompletedProcess(argv, status, out.getvalue(), err.getvalue())


@pytest.mark.parametrize("site", ["shao", "gbt"])
def test_a_migrated_file_passes_the_check(site: str, tmp_path: Path) -> None:
    new = tmp_path / "dibas.toml"
    done = player_process("migrate", DATA / f"dibas_{site}.conf", "-o", new)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines()[-1].endswith(
        " doubtful, 0 faults; the new file passes `player check`"
    )
    checked = player("check", "--config", new)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert (
        checked.stdout
        == f"{new}: no faults; Banks: {', '.join(f'BANK{letter}' for letter in 'ABCDEFGH')}\n"
    )
    again = player("migrate", DATA / f"dibas_{site}.conf")
    assert again.stdout == new.read_text(encoding="utf-8")


def test_nothing_is_written_over_unasked(tmp_path: Path) -> None:
    new = tmp_path / "dibas.toml"
    new.write_text("mine")
    done = player("migrate", DATA / "dibas_shao.conf", "-o", new)
    assert done.returncode == 2
    assert done.stderr.endswith(f"{new}: is there already; --force writes over it\n")
    assert new.read_text() == "mine"
    assert player("migrate", DATA / "dibas_shao.conf", "-o", new, "--force").returncode == 0
    assert new.read_text().startswith("# DIBAS configuration, Shanghai\n")
    assert [path.name for path in tmp_path.iterdir()] == ["dibas.toml"]


def test_the_old_file_is_never_written_over(tmp_path: Path) -> None:
    old = tmp_path / "dibas.conf"
    old.write_bytes((DATA / "dibas_shao.conf").read_bytes())
    (tmp_path / "link").symlink_to(old)
    for name in ("dibas.conf", "link"):
        done = player("migrate", old, "-o", tmp_path / name, "--force")
        assert done.returncode == 2
        assert "is the old file; give another name to -o" in done.stderr
    assert old.read_bytes() == (DATA / "dibas_shao.conf").read_bytes()


def test_a_file_that_cannot_pass_is_written_with_force_only(tmp_path: Path) -> None:
    old, new = tmp_path / "dibas.conf", tmp_path / "dibas.toml"
    old.write_text(
        (DATA / "dibas_shao.conf").read_text().replace("nchan = 1024\n", "nchan = many\n", 1)
    )
    for words, is_there in (([], False), (["--force"], True)):
        done = player("migrate", old, "-o", new, *words)
        assert done.returncode == 1
        assert "fault: [MODE1] nchan: 'many' is no number of channels" in done.stderr
        assert f"\nplayer check: {new}:" in done.stderr
        assert ("nothing is written" in done.stderr) is not is_there
        assert new.exists() is is_there
    assert player("check", "--config", new).returncode == 2


def test_findings_as_json(tmp_path: Path) -> None:
    done = player("migrate", "--json", DATA / "dibas_shao.conf")
    answer = json.loads(done.stdout)
    assert (done.returncode, done.stderr, answer["passes"], answer["check"]) == (0, "", True, [])
    reason = "nothing ever read it"
    place = {"line": 1238, "section": "INCO_MODE_64", "key": "file_system"}
    assert place | {"sort": "dropped", "text": reason} in answer["findings"]
    new = tmp_path / "new.toml"
    new.write_text(answer["toml"])
    assert player("check", "--config", new).returncode == 0


def test_what_cannot_be_read_or_written_is_said_in_a_line(tmp_path: Path) -> None:
    old = DATA / "dibas_gbt.conf"
    for words, text in (
        ([tmp_path / "none.conf"], "none.conf: cannot be read: No such file or directory"),
        ([tmp_path], "cannot be read: Is a directory"),
        (
            [old, "-o", tmp_path / "none" / "x.toml"],
            "x.toml: cannot be written: No such file or directory",
        ),
    ):
        done = player("migrate", *words)
        assert done.returncode == 2
        assert text in done.stderr
        assert "Traceback" not in done.stderr


def test_an_old_file_in_latin_1_is_read(tmp_path: Path) -> None:
    old = tmp_path / "dibas.conf"
    old.write_bytes(
        (DATA / "dibas_shao.conf").read_bytes().replace(b"configuration, Shanghai", b"de S\xe3o")
    )
    done = player("migrate", old)
    assert done.returncode == 0
    assert f"{old}:1: doubtful: not UTF-8 text; read as Latin-1" in done.stderr
    assert done.stdout.startswith("# DIBAS de São\n")


def test_a_name_that_no_status_card_holds_does_not_pass(tmp_path: Path) -> None:
    old = tmp_path / "dibas.conf"
    old.write_text(
        (DATA / "dibas_shao.conf").read_text().replace("telescope = SHAO", "telescope = São")
    )
    done = player("migrate", old)
    assert (done.returncode, done.stdout) == (1, "")
    assert "instrument.telescope: the text 'São' is not printable ASCII" in done.stderr


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_an_old_file_in_utf_16_is_read_if_it_says_so(tmp_path: Path, encoding: str) -> None:
    old, text = tmp_path / "dibas.conf", (DATA / "dibas_shao.conf").read_text()
    old.write_bytes(text.encode(encoding))
    done = player("migrate", old)
    if encoding == "utf-16":
        assert done.returncode == 0
        assert (
            f"{old}:1: doubtful: UTF-16 text, which the original could not read; read as such"
            in done.stderr
        )
        assert done.stdout == player("migrate", DATA / "dibas_shao.conf").stdout
    else:  # without its mark at the beginning
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{old}:1: is no text: it has NUL bytes; save it as UTF-8" in done.stderr


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_lines_may_end_as_other_systems_end_them(tmp_path: Path, end: str) -> None:
    old = tmp_path / "dibas.conf"
    old.write_bytes((DATA / "dibas_shao.conf").read_text().replace("\n", end).encode())
    done = player("migrate", old)
    assert done.returncode == 0
    assert ("has lines that end in CR alone" in done.stderr) == (end == "\r")
    assert done.stdout == player("migrate", DATA / "dibas_shao.conf").stdout


COMMANDS = [
    *(
        ("player", *words)
        for words in [
            ("check",),
            ("config", "show", "BANKA"),
            ("ready", "BANKA", "--timeout", "1"),
            ("supervisor-config", "--all"),
            ("shell", "BANKA"),
            ("doctor", "BANKA"),
            ("BANKA", "simulate"),
        ]
    ),
    *(
        ("dealer", *words)
        for words in [
            ("list",),
            ("status",),
            ("doctor",),
            ("call", "BANKA", "get_mode"),
            ("scan",),
            ("stubs",),
            ("hosts", "status"),
            ("plan", "script.py"),
        ]
    ),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_whoever_has_the_originals_file_only_is_told_how_to_make_ours(
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "etc" / "config"
    folder.mkdir(parents=True)
    old, new = folder / "dibas.conf", folder / "dibas.toml"
    old.write_bytes((DATA / "dibas_shao.conf").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIBAS_CONFIG", raising=False)
    (tmp_path / "script.py").write_text("import dealer\ndealer.Dealer()\n")
    program, *rest = words
    for named in ([], ["--config", new], ["--config", folder], ["--config", old]):
        monkeypatch.setenv("DIBAS_DIR", str(tmp_path))
        run = main if program == "player" else dealer_main
        assert run([*map(str, [*rest, *named])]) != 0
        said = " ".join(re.sub("[│╭╮]", " ", "".join(capsys.readouterr())).split())
        assert f"player migrate {old} -o {new}" in said, (named, said)
    new.write_text("")
    run([*map(str, [*rest, "--config", new])])
    assert "migrate" not in "".join(capsys.readouterr())
