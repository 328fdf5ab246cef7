"""Files of the dashboard's page: what they load is there, and their colours can be told apart."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
import re
from pathlib import Path

import pytest

import gateways.difx.panel
import histogrammer.panel
from dashboard.assets import STATIC, without_comments

PANELS = [each.PANELS.folder for each in (histogrammer.panel, gateways.difx.panel)]
OURS = sorted(
    path
    for folder in (STATIC, *PANELS)
    for path in folder.rglob("*")
    if path.suffix in (".js", ".css", ".html") and "vendor" not in path.parts
)
MODULES = [path for path in OURS if path.suffix == ".js"]
MAX_LINES = 400
MAX_PACKED_BYTES = 150_000
IMPORT = re.compile(r"""(?:from|import)\s*\(?\s*["']([^"']+)["']""")
STATES = ("ok", "warn", "fault", "unknown", "off")
THEMES = ("light", "dark", "system", "red")
CONTRAST_LEAST = 4.5

# Linear RGB as dichromats see it: Viénot, Brettel, Mollon 1999; tritan: Brettel 1997, the plane of
# the colours towards red.
DEFICIENCIES = {
    "protan": ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
    "deutan": ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)),
    "tritan": (
        (1.01277, 0.13548, -0.14826),
        (-0.01243, 0.86812, 0.14431),
        (0.07589, 0.805, 0.11911),
    ),
}

Rgb = tuple[float, ...]


def import_map() -> dict[str, str]:
    page = (STATIC / "index.html").read_text()
    match = re.search(r'<script type="importmap">(.*?)</script>', page, re.DOTALL)
    assert match is not None
    imports: dict[str, str] = json.loads(match[1])["imports"]
    return imports


def named(known: dict[str, str], name: str) -> Path:
    return STATIC / known[name].removeprefix("/static/")


def test_vendored_modules_are_those_of_the_checksum_list() -> None:
    folder = STATIC / "vendor"
    listed = dict(
        reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines()
    )
    found = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ""}
    assert {name: hashlib.sha256(data).hexdigest() for name, data in found.items()} == listed


def test_each_vendored_module_has_its_licence() -> None:
    folder = STATIC / "vendor"
    modules = {path.stem.removesuffix("-hooks") for path in folder.glob("*.js")}
    assert modules == {path.stem for path in folder.glob("*.LICENSE")}


def test_what_modules_import_is_there() -> None:
    known = import_map()
    for path in MODULES:
        for name in IMPORT.findall(path.read_text()):
            ours = path.parent / name
            used = ours if name.startswith(".") else named(known, name)
            assert used.is_file(), (path, name)


def test_all_that_the_frame_needs_is_loaded_at_once() -> None:
    """Load modules side by side: one after the other each level would take a round trip."""
    known, found, ahead = import_map(), set[Path](), [STATIC / "main.js"]
    while ahead:
        path = ahead.pop()
        for name in re.findall(r"^import [^;]*?\"([^\"]+)\";", path.read_text(), re.MULTILINE):
            ours = path.parent / name
            used = (ours if name.startswith(".") else named(known, name)).resolve()
            if used not in found:
                found.add(used)
                ahead += [used] if name.startswith(".") else []
    page = (STATIC / "index.html").read_text()
    preloaded = re.findall(r'rel="modulepreload" href="/static/([^"]+)"', page)
    vendored = {(STATIC / "vendor" / name) for name in ("preact-hooks.js", "signals-core.js")}
    assert {STATIC / name for name in preloaded} == found | vendored


def test_no_file_of_the_page_names_another_host() -> None:
    named = {
        path: re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", path.read_text()) for path in OURS
    }
    assert {path: hosts for path, hosts in named.items() if hosts} == {}


def test_modules_of_the_page_are_small() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in MODULES}
    assert {path for path, length in lengths.items() if length > MAX_LINES} == set()


def test_all_files_that_a_visitor_loads_are_small_when_packed() -> None:
    shipped = [path for path in STATIC.rglob("*") if path.suffix in (".js", ".css", ".html")]
    ours = [*MODULES, *(STATIC / "style").glob("*.css")]
    bare = {path: without_comments(path.read_text()).encode() for path in ours}
    packed = [gzip.compress(bare.get(path) or path.read_bytes()) for path in shipped]
    assert sum(map(len, packed)) < MAX_PACKED_BYTES


def test_no_module_makes_markup_out_of_text() -> None:
    for path in MODULES:
        text = path.read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)


def tokens(theme: str) -> dict[str, str]:
    """Return the tokens of a theme; those it does not set are as in light."""
    text = (STATIC / "style" / "tokens.css").read_text()
    found: dict[str, str] = {}
    for selectors in (r":root", rf':root\[data-theme="{theme}"\]'):
        match = re.search(rf"^\s*{selectors} \{{(.*?)\}}", text, re.DOTALL | re.MULTILINE)
        if match is not None:
            found |= dict(re.findall(r"--([\w-]+): ([^;]+);", match[1]))
    return found


def linear(colour: str) -> Rgb:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return tuple(p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)


def luminance(colour: Rgb) -> float:
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), colour, strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(linear(one)), luminance(linear(other))))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("back", ["bg", "panel", "raised"])
def test_texts_and_states_can_be_read_on_each_ground(theme: str, back: str) -> None:
    known = tokens(theme)
    for name in ("text", "dim", "accent", *STATES):
        assert contrast(known[name], known[back]) >= CONTRAST_LEAST, name


@pytest.mark.parametrize("theme", THEMES)
def test_states_can_be_read_on_their_own_ground(theme: str) -> None:
    known = tokens(theme)
    for name in ("warn", "fault", "unknown"):
        assert contrast(known[name], known[f"{name}-back"]) >= CONTRAST_LEAST, name


def seen(colour: str, deficiency: str) -> Rgb:
    """Return a colour in linear RGB as somebody with a deficiency sees it."""
    rgb = linear(colour)
    return tuple(
        min(max(sum(w * c for w, c in zip(row, rgb, strict=True)), 0.0), 1.0)
        for row in DEFICIENCIES[deficiency]
    )


def lab(rgb: Rgb) -> Rgb:
    """Return CIE L*a*b* (D65) of linear sRGB."""
    matrix = (
        (0.4124564, 0.3575761, 0.1804375),
        (0.2126729, 0.7151522, 0.0721750),
        (0.0193339, 0.1191920, 0.9503041),
    )
    white = (0.95047, 1.0, 1.08883)
    f = []
    for row, w in zip(matrix, white, strict=True):
        t = sum(m * c for m, c in zip(row, rgb, strict=True)) / w
        f.append(t ** (1 / 3) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29)
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


@pytest.mark.parametrize("theme", ["light", "dark", "system"])
@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_colours_of_states_differ_for_all_eyes(theme: str, deficiency: str) -> None:
    known = tokens(theme)
    for one, other in itertools.combinations(("ok", "warn", "fault"), 2):
        a, b = (lab(seen(known[name], deficiency)) for name in (one, other))
        distance = sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5
        assert distance > 10, (one, other, distance)
