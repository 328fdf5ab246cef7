"""Files for contributors do what the tasks of the Makefile do, and are found by a newcomer."""

from __future__ import annotations

import re

import pytest
import yaml  # comes with myst-parser
from support.player_run import ROOT

from tools import tasks


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_hooks_are_local_and_run_the_tools_of_the_projects_environment() -> None:
    repos = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    hooks = {hook["id"]: hook for hook in repos[0]["hooks"]}
    assert {hook["language"] for hook in hooks.values()} == {"system"}
    assert all(hook["entry"].startswith(".venv/bin/") for hook in hooks.values())


def test_hooks_run_what_the_check_runs_before_types(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def run(*command: object, **_options: object) -> int:
        ran.append(" ".join(str(word) for word in command).replace(f"{ROOT}/", ""))
        return 0

    monkeypatch.setattr(tasks, "run", run)
    tasks.lint()
    entries = [
        hook["entry"].replace(" --force-exclude", "")
        for hook in yaml.safe_load(read(".pre-commit-config.yaml"))["repos"][0]["hooks"]
    ]
    assert [line for line in ran if not any(line.startswith(entry) for entry in entries)] == [
        ".venv/bin/python -m mypy"
    ]


def test_the_workflow_tests_each_supported_python_as_everybody_does() -> None:
    text = read(".github/workflows/tests.yml")
    (job,) = yaml.safe_load(text)["jobs"].values()
    assert tuple(job["strategy"]["matrix"]["python"]) == tasks.SUPPORTED
    assert job["steps"][-1]["run"].startswith("make test")
    assert text.startswith("# Not run where it was written")
    assert "://" not in text


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_what_a_page_of_the_root_links_to_is_there(page: str) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", read(page))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md", "docs/howto/release.md"])
def test_a_page_for_contributors_is_named_by_the_readme(name: str) -> None:
    assert name in read("README.md")
