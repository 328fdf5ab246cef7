"""Requests of data taking and of the program."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.rest_client import RestClient


@pytest.mark.parametrize(
    ("request_", "query", "status", "detail"),
    [
        (
            "attach/attach",
            {"type": "test", "source": "x"},
            "Data source type 'test' is not supported",
            "This is Rustogramer not SpecTcl",
        ),
        (
            "attach/attach",
            {"type": "pipe", "source": "cat /etc/passwd"},
            "Data source type 'pipe' is not supported",
            "This is Rustogramer not SpecTcl",
        ),
        ("attach/detach", {}, "Failed to detach", "Not attached to a data source"),
        ("analyze/start", {}, "Failed to start analysis", "No file is attached"),
        ("analyze/stop", {}, "Failed to stop analysis", "Not processing data"),
        (
            "ringformat",
            {"major": "13"},
            "Unable to set ring format version",
            "13 is not a legal Ring format version",
        ),
    ],
)
def test_failures_have_the_texts_of_the_reference(
    rest: RestClient, request_: str, query: dict[str, str], status: str, detail: str
) -> None:
    assert rest(request_, **query) == (status, detail)


def test_a_file_that_cannot_be_attached_is_told_with_the_reason(
    rest: RestClient, tmp_path: Path
) -> None:
    status, detail = rest("attach/attach", type="file", source=str(tmp_path / "no"))
    assert (status, "No such file" in detail) == ("Attach failed", True)
    status, detail = rest("attach/attach", type="file", source="/etc/passwd")
    assert (status, str(tmp_path) in detail) == ("Attach failed", True)


def test_settings_of_the_analysis_are_kept(rest: RestClient) -> None:
    assert rest.ok("ringformat/get") == {"major": 11, "minor": 0}
    assert rest.ok("ringformat", major="V12", minor=0) == ""
    assert rest.ok("ringformat/get") == {"major": 12, "minor": 0}
    assert rest.ok("analyze/size", events=500) == ""
    assert rest.ok("shmem/variables")["EventListSize"] == 500
    assert rest.ok("analyze/size", size=50) == ""  # as the manual calls it
    assert rest("analyze/size", events=0)[0] == "Unable to set the batch size"
    assert rest.ok("shmem/variables")["EventListSize"] == 50
    assert rest.ok("attach/list") == "Not Attached"


def test_the_version_is_that_of_rustogramer(rest: RestClient) -> None:
    assert rest.ok("version")["program_name"] == "Rustogramer"
