"""The pictures of README and documentation are there, and show what is."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree

import pytest
from support.pictures import COMMANDS, STATIC, prompt_svg, terminal_svg
from support.player_run import ROOT


def test_the_picture_of_the_prompt_is_of_the_session_that_its_page_shows() -> None:
    """python -m support.pictures makes it anew."""
    assert (STATIC / "prompt.svg").read_text(encoding="utf-8") == prompt_svg()


def test_the_picture_of_a_shell_has_all_commands_and_their_answers() -> None:
    root = ElementTree.fromstring((STATIC / "terminal.svg").read_text(encoding="utf-8"))
    lines = [element.text or "" for element in root.iter() if element.tag.endswith("}text")]
    assert [line[2:] for line in lines if line.startswith("$ ")] == list(COMMANDS)
    assert not [
        a for a, b in itertools.pairwise(lines) if a.startswith("$ ") and b.startswith("$ ")
    ]


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_every_picture_of_a_page_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    assert [picture.rpartition("/")[2] for picture in pictures] == [
        "array.svg",
        "spectra.png",
        "dashboard-overview.png",
        "terminal.svg",
        "prompt.svg",
    ]
    assert all((ROOT / page).parent.joinpath(picture).is_file() for picture in pictures)


def test_signs_of_xml_and_long_lines_are_no_trouble_for_a_picture() -> None:
    root = ElementTree.fromstring(terminal_svg(['$ a < b & c > "d"', "x" * 500], "a & b"))
    first, second = (element.text or "" for element in root.iter() if element.tag.endswith("}text"))
    assert (first, len(second)) == ('$ a < b & c > "d"', 112)
