"""`make docs` builds the site without a warning, and what is generated is on it."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Words(HTMLParser):
    """The text of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.text = ""
        self.feed(page.read_text(encoding="utf-8"))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "docs", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (
            "reference/commands.html",
            ["player supervisor-config", "--complete DIR", "dealer status"],
        ),
        ("reference/models.html", ["needed_arm_delay_s", "at least 2", "player_port"]),
        ("reference/api.html", ["wait_for_scan", "ZMQJSONProxyServer", "add_switching_state"]),
        ("reference/benchmarks.html", ["ratio"]),
        ("where.html", ["zmqjsonproxy/rpc/hub.py"]),
        ("protocols/calls.html", ["list_methods"]),
    ],
)
def test_what_is_generated_is_on_its_page(site: Path, page: str, words: list[str]) -> None:
    text = Words(site / page).text
    assert [word for word in words if word not in text] == []
