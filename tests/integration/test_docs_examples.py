"""The examples of the documentation run as they stand. Some pages run at the same time: scans are
mostly waiting."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from support.doc_page import ROOT, Block, Page, blocks_of, commands_of, used_pages
from support.player_run import clean_environment

PAGES = used_pages()
AT_ONCE = 2  # a scan is mostly waiting, but the start of its Player and program is not


def _run(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "support.doc_page", name, str(folder)],
        cwd=ROOT,
        env=clean_environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[subprocess.CompletedProcess[str]]]]:
    """Page -> what became of it, for the pages that were asked for."""
    asked = [
        item.callspec.params["name"]
        for item in request.session.items
        if hasattr(item, "callspec")
        and item.nodeid.partition("[")[0].endswith("::test_the_examples_of_a_page_run")
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(_run, name, tmp_path_factory.mktemp("page")) for name in asked}
        pool.shutdown(cancel_futures=True)


@pytest.mark.timeout(400)  # the first to be asked for may be the last to run
@pytest.mark.parametrize("name", PAGES)
def test_the_examples_of_a_page_run(
    name: str, runs: dict[str, Future[subprocess.CompletedProcess[str]]]
) -> None:
    done = runs[name].result()
    assert done.returncode == 0, done.stdout


def test_blocks_and_markers_are_found() -> None:
    text = "a\n```python\n>>> 1\n1\n```\n\n<!-- not run: needs root -->\n```console\n$ a \\\n  b\nc\n$ d\n```\n"
    first, second = blocks_of(text)
    assert (first.line, first.language, first.body, first.is_used) == (
        2,
        "python",
        ">>> 1\n1\n",
        True,
    )
    assert (second.marker, second.is_used) == ("not run: needs root", False)
    assert commands_of(second.body) == [("a   b", "c\n"), ("d", "")]


def test_an_output_that_is_not_as_shown_fails(tmp_path: Path) -> None:
    with contextlib.closing(Page("none.md", tmp_path)) as page:
        page.run(Block(0, "console", "", "$ echo one two\none ...\n"))
        page.run(Block(0, "python", "", "x = 1\n"))
        page.run(Block(0, "python", "", ">>> x\n1\n"))
        with pytest.raises(AssertionError, match="found:\none"):
            page.run(Block(0, "console", "", "$ echo one\ntwo\n"))
        with pytest.raises(AssertionError, match="Expected:"):
            page.run(Block(0, "python", "", ">>> x\n2\n"))
        with pytest.raises(AssertionError, match="false"):
            page.run(Block(0, "console", "", "$ false\n"))
