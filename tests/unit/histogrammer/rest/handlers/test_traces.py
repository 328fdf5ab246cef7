"""Requests of traces."""

from __future__ import annotations

from support.rest_client import RestClient


def test_changes_are_told_once(rest: RestClient) -> None:
    token = rest.ok("trace/establish", retention=30)
    rest.ok("parameter/create", name="e")
    rest.ok("parameter/edit", name="e", bins=5)
    rest.book("h", "1", "e", "0 8 8")
    rest.ok("sbind/all")
    rest.ok("gate/edit", name="t", type="T")
    rest.ok("gate/edit", name="t", type="F")
    rest.ok("gate/delete", name="t")
    rest.ok("spectrum/delete", name="h")
    assert rest.ok("trace/fetch", token=token) == {
        "parameter": ["add e", "changed e"],
        "spectrum": ["add h", "delete h"],
        "gate": ["add t", "changed t", "delete t"],
        "binding": ["add h 0", "remove h 0"],
    }
    nothing: dict[str, list[str]] = {"parameter": [], "spectrum": [], "gate": [], "binding": []}
    assert rest.ok("trace/fetch", token=token) == nothing
    assert rest.ok("trace/done", token=token) == ""
    assert rest("trace/fetch", token=token) == (
        f"Unable to fetch traces for token {token}: No such client token",
        nothing,
    )
    assert rest("trace/done", token=token) == ("Unable to delete client", "No such client token")
