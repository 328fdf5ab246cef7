"""The place of journal and history, as `player doctor` sees it, and the objects that serve them."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.records import call_record, ended, journal_of, refused

from player.dataroot import Mounts
from player.records import ServedJournal, place_findings
from zmqjsonproxy.caller import Caller, calling
from zmqjsonproxy.errors import RefusedError


def test_a_local_folder_is_fine_whether_it_is_there_or_not(tmp_path: Path) -> None:
    mounts = Mounts(frozenset({Path("/")}), frozenset(), {Path("/"): "ext4"})
    for folder in (tmp_path, tmp_path / "not" / "yet"):
        assert place_findings(folder, mounts) == []


@pytest.mark.parametrize("folder", [None, Path(os.devnull), Path(os.devnull, "dealer-player")])
def test_who_wants_no_records_hears_nothing(folder: Path | None) -> None:
    assert place_findings(folder) == []


def test_a_file_in_the_way_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    (finding,) = place_findings(tmp_path / "state" / "dealer-player")
    assert finding.text.endswith(f"is below {tmp_path / 'state'}, which is no folder")


def test_a_network_file_system_is_a_finding_with_its_remedy(tmp_path: Path) -> None:
    mounts = Mounts(frozenset({Path("/"), tmp_path}), frozenset(), {tmp_path: "nfs4"})
    (finding,) = place_findings(tmp_path / "state", mounts)
    assert f"{tmp_path / 'state'} is on a network file system (nfs4)" in finding.text
    assert "XDG_STATE_HOME" in finding.remedy


def test_who_gives_its_call_the_identity_of_anothers_is_not_told_for_it(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)
    journal.take(ended(call_record("bank.start", key="anna", call_id="RUN-7")))
    journal.take(refused(call_record("bank.start", key="cleo", call_id="RUN-7")))
    records: Any = SimpleNamespace(journal=journal)
    served = ServedJournal(records, "BANKA", False)
    for key, outcome in (("anna", "done"), ("cleo", "refused")):
        with calling(Caller("x@h:1", key=key)):
            assert (served.find("RUN-7") or {})["outcome"] == outcome
    with calling(Caller("anna")):
        assert served.find("RUN-7") is None


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"since": 1e300}, "is no time"),
        ({"until": -1e300}, "is no time"),
        ({"since": float("nan")}, "is no time"),
        ({"since": "1h"}, "'1h' is no time"),
        ({"after": 2**70}, "nothing of that kind"),
        ({"client": "\udc00"}, "nothing of that kind"),
    ],
)
def test_questions_that_make_no_sense_are_refused(
    tmp_path: Path, asked: dict[str, Any], text: str
) -> None:
    journal = journal_of(tmp_path)
    journal.take(ended(call_record()))
    assert journal.flush()
    records: Any = SimpleNamespace(journal=journal, why_not="")
    with pytest.raises(RefusedError, match=text):
        ServedJournal(records, "BANKA", simulated=False).read(**asked)
    journal.close()
