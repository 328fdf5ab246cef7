"""The bare design answers as our server does; a revision and the present tree side by side."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks import bare
from benchmarks.against import RevisionError, trees
from benchmarks.bare import BareClient, BareFanOut
from benchmarks.floors import cores, serving
from benchmarks.subject import STATUS, ArraySubject

CORE = cores()[0]
PROJECT = """\
[project]
name = "two-words"
version = "1.0"
[project.scripts]
tool = "{package}:main"
[project.entry-points."group.of"]
one = "{package}:One"
"""


@contextlib.contextmanager
def client_of(url: str) -> Iterator[BareClient]:
    client = BareClient(url)
    try:
        yield client
    finally:
        client.close()


def test_the_bare_design_answers_queries_commands_and_batches() -> None:
    with serving(CORE, 2, bare.serve_subject) as served:
        urls = [url for url, _ in served]
        with client_of(urls[0]) as client:
            assert client.call("add", 2, 3) == 5
            assert client.call("set_value", 3, 4) == 7
            assert client.call("get_status") == STATUS
            assert client.call_outstanding(3, "add", 1, 1) == [2, 2, 2]
            assert client.call_batch(3, "add", 2, 2) == [4, 4, 4]
        many = BareFanOut(urls)
        try:
            assert many.call_each("add", 2, 3) == [5, 5]
        finally:
            many.close()


def test_the_bare_design_sends_arrays_as_frames() -> None:
    subject = ArraySubject()
    with serving(CORE, 1, bare.serve_arrays) as ((url, _),), client_of(url) as client:
        for method in ("get_spectrum", "get_large"):
            array = client.call_for_array(method)
            wanted = getattr(subject, method)()
            assert array.dtype == wanted.dtype
            np.testing.assert_array_equal(array, wanted)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit, and work since then."""
    root = tmp_path / "root"
    (root / "benchmarks").mkdir(parents=True)
    (root / "pyproject.toml").write_text(PROJECT.format(package="old"))
    (root / "old.py").write_text("VALUE = 1\n")
    (root / ".gitignore").write_text("*.log\n")
    (root / "benchmarks" / "before.py").write_text("")
    words = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Begin"]):
        subprocess.run([*words, *command], check=True)
    (root / "pyproject.toml").write_text(PROJECT.format(package="new"))
    (root / "old.py").unlink()
    (root / "new.py").write_text("VALUE = 2\n")
    (root / "some.log").write_text("")
    (root / "benchmarks" / "before.py").rename(root / "benchmarks" / "now.py")
    return root


def test_both_trees_have_their_own_packages_and_the_benchmarks_of_now(repository: Path) -> None:
    with trees("HEAD", repository) as (before, now):
        for tree, package in ((before, "old"), (now, "new")):
            assert [path.name for path in tree.glob("*.py")] == [f"{package}.py"]
            assert [path.name for path in (tree / "benchmarks").iterdir()] == ["now.py"]
            points = (tree / "two_words-1.0.dist-info" / "entry_points.txt").read_text()
            assert f"[group.of]\none = {package}:One\n" in points
        assert not (now / "some.log").exists()
    assert not before.exists()
    listed = subprocess.run(
        ["git", "-C", str(repository), "worktree", "list"], capture_output=True, check=True
    )
    assert len(listed.stdout.splitlines()) == 1


def test_an_unknown_revision_is_refused(repository: Path) -> None:
    with pytest.raises(RevisionError, match="no revision nowhere"), trees("nowhere", repository):
        pass
