"""Diagrams of the architecture show the contracts and modules that are there."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from xml.etree import ElementTree

import pytest
from support.player_run import ROOT

from tools import diagrams

SVG = "{http://www.w3.org/2000/svg}"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]
DRAWN = diagrams.diagrams()


@pytest.mark.parametrize("name", DRAWN)
def test_a_diagram_is_as_it_would_be_drawn_now(name: str) -> None:
    text = (diagrams.STATIC / name).read_text(encoding="utf-8")
    assert text == DRAWN[name], "write it: python tools/diagrams.py"


def test_packages_are_drawn_in_the_rows_of_the_contract() -> None:
    root = ElementTree.fromstring(DRAWN["packages.svg"])
    rows: dict[float, set[str]] = defaultdict(set)
    for text in root.iter(f"{SVG}text"):
        if text.get("font-weight") == "bold":
            rows[float(text.get("y", "0"))].add(text.text or "")
    (contract,) = (each for each in SETTINGS["contracts"] if each["type"] == "layers")
    there = set(SETTINGS["root_packages"])
    expected = [
        {word for word in row.replace("(", " ").replace(")", " ").split() if word in there}
        for row in contract["layers"]
    ]
    assert [rows[y] for y in sorted(rows)] == expected
    assert set().union(*expected) == there


@pytest.mark.parametrize("lane", [*diagrams.CALL, *diagrams.SPECTRUM], ids=lambda one: one.process)
def test_every_step_names_a_module(lane: diagrams.Lane) -> None:
    assert [step.module for step in lane.steps if not (ROOT / step.module).is_file()] == []


@pytest.mark.parametrize("name", DRAWN)
def test_a_diagram_can_be_read_on_light_and_dark_pages(name: str) -> None:
    root = ElementTree.fromstring(DRAWN[name])
    ground = root.find(f"{SVG}rect")
    assert ground is not None
    assert (ground.get("width"), ground.get("height")) == (root.get("width"), root.get("height"))
    assert ground.get("fill") == diagrams.PAGE


@pytest.mark.parametrize("name", DRAWN)
def test_every_diagram_is_on_the_page_of_the_architecture(name: str) -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert f"](_static/{name})" in page
