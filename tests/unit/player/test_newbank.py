"""New distributions from the template: names, files, and what is refused."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from player import cli
from player.config import BANK_NAME
from player.errors import NewBankError
from player.newbank import MAX_NAME_CHARACTERS, BankNames, write_distribution

MAST = BankNames.read("weather-mast")
ROOT = Path(__file__).resolve().parents[3]


@settings(max_examples=25)
@given(st.lists(st.text("az09", min_size=1, max_size=12), min_size=1, max_size=4))
def test_a_name_of_a_kind_gives_names_of_a_package_a_class_and_a_bank(words: list[str]) -> None:
    text = "-".join(["mast", *words])
    try:
        names = BankNames.read(text)
    except ValueError:
        assert len(text) > MAX_NAME_CHARACTERS
        return
    holes = names.holes()
    assert names.package.isidentifier()
    assert holes["Class"].isidentifier()
    assert BANK_NAME.match(holes["BANK"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "write 2 to 30 small letters and digits, with hyphens between words"),
        ("a", "is not a name of a kind"),
        ("Weather", "is not a name of a kind"),
        ("weather_mast", "is not a name of a kind"),
        ("weather--mast", "is not a name of a kind"),
        ("../weather", "is not a name of a kind"),
        ("weather\n", "is not a name of a kind"),
        ("w" * (MAX_NAME_CHARACTERS + 1), "is not a name of a kind"),
        ("class", "'class' is a word of Python; add another word, as class-unit"),
        ("socket", "'socket' is a module of Python's library; add another word"),
    ],
)
def test_what_cannot_be_a_name_is_a_usage_error_that_says_what_can(
    text: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["new-bank", text, "--into", str(tmp_path)])
    assert end.value.code == 2
    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_command_tells_what_comes_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["new-bank", "weather-mast", "--into", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{tmp_path / 'weather-mast'}: a Bank of kind weather-mast. Next:"
    assert lines[-1].strip() == "player WEATHER_MAST --simulate --config weather-mast.toml"


def test_every_file_has_its_names_and_no_hole(tmp_path: Path) -> None:
    folder = write_distribution(MAST, tmp_path)
    found = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.*")}
    assert {
        "README.md",
        "pyproject.toml",
        "weather-mast.toml",
        "weather_mast/bank.py",
        "weather_mast/py.typed",
        "tests/test_bank.py",
    } <= found.keys()
    assert [name for name, text in found.items() if "{{" in text or "tmpl" in name] == []
    assert len(found) == len(list((ROOT / "player" / "template").rglob("*.tmpl")))
    project = tomllib.loads(found["pyproject.toml"])["project"]
    assert project["entry-points"] == {
        "dealer_player.banks": {"weather-mast": "weather_mast.bank:WeatherMast"},
        "dealer_player.endpoints": {"weather-mast-lines": "weather_mast.endpoint:LinesEndpoint"},
    }


def test_what_is_there_already_is_not_touched(tmp_path: Path) -> None:
    for make in (Path.mkdir, Path.touch, lambda path: path.symlink_to("nowhere")):
        target = tmp_path / "weather-mast"
        make(target)
        with pytest.raises(NewBankError, match="is there already and is not touched; take another"):
            write_distribution(MAST, tmp_path)
        if target.is_dir():
            assert list(target.iterdir()) == []
            target.rmdir()
        else:
            target.unlink()


def test_a_folder_that_is_not_there_is_named_with_what_makes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["new-bank", "weather-mast", "--into", str(tmp_path / "none")]) == 1
    assert f"make it first: mkdir -p {tmp_path / 'none'}" in capsys.readouterr().err


def test_a_kind_or_package_that_is_installed_is_not_hidden(tmp_path: Path) -> None:
    for text, says in (
        ("spectrometer", "a kind spectrometer is installed here"),
        ("pydantic", "a package pydantic is installed here, .*__init__.py; take another name"),
    ):
        with pytest.raises(NewBankError, match=says):
            write_distribution(BankNames.read(text), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_text

    def write_text(self: Path, text: str, **options: str) -> int:
        if self.name == "bank.py":
            raise OSError(28, "No space left on device")
        return write(self, text, **options)

    monkeypatch.setattr(Path, "write_text", write_text)
    with pytest.raises(NewBankError, match="cannot be written: No space left on device"):
        write_distribution(MAST, tmp_path)
    assert list(tmp_path.iterdir()) == []
