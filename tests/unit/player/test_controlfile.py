"""The file in which a lease outlives its Player."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.wholefiles import WholeFile
from player.controlfile import ControlFile, boot_id, seconds_since_boot
from zmqjsonproxy.control.protocol.lease import Credential, Lease, Terms
from zmqjsonproxy.errors import NotInControlError

ANN = "ann@hpc1:1"
CONFIG = Path("/etc/dibas.toml")


def kept_in(folder: Path | None, boot: str = "first boot") -> ControlFile:
    return ControlFile(folder, "BANKA", CONFIG, boot=boot, wall=lambda: 1_800_000_000.0)


def take(lease: Lease, now: float, seconds: float, silent_s: float | None = None) -> Credential:
    terms = Terms(owner=ANN, key="ann", reason="run", seconds=seconds, silent_s=silent_s)
    return Credential(lease.take(now, 0.0, terms, "token").number, "token")


@given(
    st.floats(1, 604_800),
    st.none() | st.floats(1, 604_800),
    st.text("ab é", min_size=1, max_size=9),
)
@settings(max_examples=25, deadline=None)
def test_a_lease_is_read_as_it_was_kept(
    tmp_path_factory: pytest.TempPathFactory, seconds: float, silent: float | None, name: str
) -> None:
    folder = tmp_path_factory.mktemp("state")
    lease = Lease("BANKA", 41)
    terms = Terms(owner=name, reason="run", seconds=seconds, silent_s=silent)
    lease.take(100.0, 5.0, terms, "token")
    kept_in(folder).keep(lease, True)
    again = kept_in(folder).load()
    assert again.holder == lease.holder
    assert again.number == 42


def test_three_restarts_just_before_the_end_make_no_lease_longer_and_no_second_owner(
    tmp_path: Path,
) -> None:
    lease = kept_in(tmp_path).load()
    owner = take(lease, 100.0, 60.0)
    kept_in(tmp_path).keep(lease, True)
    for now in (157.0, 158.0, 159.9):
        lease = kept_in(tmp_path).load()
        lease.check(now, str(owner), "ann")
        with pytest.raises(NotInControlError):
            take(lease, now, 60.0)
        kept_in(tmp_path).keep(lease, False)
    lease = kept_in(tmp_path).load()
    with pytest.raises(NotInControlError):
        lease.check(160.0, str(owner), "ann")
    assert take(lease, 160.0, 60.0).number == owner.number + 1


def test_a_restart_gives_a_silent_owner_no_further_time(tmp_path: Path) -> None:
    lease = kept_in(tmp_path).load()
    owner = take(lease, 100.0, 60.0, silent_s=15.0)
    lease.renew(105.0, 0.0, owner, key="ann")
    kept_in(tmp_path).keep(lease, False)
    lease = kept_in(tmp_path).load()
    lease.check(119.9, str(owner), "ann")
    with pytest.raises(NotInControlError):
        lease.check(120.0, str(owner), "ann")


def test_a_lease_ends_with_the_boot_and_its_number_is_not_given_again(tmp_path: Path) -> None:
    lease = kept_in(tmp_path).load()
    owner = take(lease, 100.0, 3600.0)
    kept_in(tmp_path).keep(lease, True)
    lease = kept_in(tmp_path, boot="second boot").load()
    with pytest.raises(NotInControlError):
        lease.check(5.0, str(owner), "ann")
    assert take(lease, 6.0, 60.0).number == owner.number + 1


def test_a_number_is_not_given_again_after_a_release(tmp_path: Path) -> None:
    lease = kept_in(tmp_path).load()
    owner = take(lease, 100.0, 60.0)
    lease.release(101.0, 0.0, owner, key="ann")
    kept_in(tmp_path).keep(lease, True)
    assert take(kept_in(tmp_path).load(), 102.0, 60.0).number == 2


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"null", b"[]", b'{"number": "x"}', b"\xff" * 10, b'{"number": 1}', b"[" * 9000],
)
def test_a_damaged_file_means_that_nobody_has_control_and_numbers_still_rise(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    lease = kept_in(tmp_path).load()
    take(lease, 100.0, 60.0)
    kept_in(tmp_path).keep(lease, True)
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage)
    lease = kept_in(tmp_path).load()
    assert lease.holder is None
    assert lease.number == 1_800_000_000
    assert str(path) in caplog.text


def test_the_file_holds_no_token_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    lease = kept_in(tmp_path / "new").load()
    terms = Terms(owner=ANN, reason="run", seconds=60.0)
    lease.take(1.0, 0.0, terms, "a very secret token")
    kept_in(tmp_path / "new").keep(lease, True)
    (path,) = (tmp_path / "new").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "secret" not in path.read_text()
    assert json.loads(path.read_text())["holder"]["terms"]["owner"] == ANN


def test_arrays_whose_banks_have_one_name_have_files_of_their_own(tmp_path: Path) -> None:
    for config in (Path("/a/dibas.toml"), Path("/b/dibas.toml")):
        lease = ControlFile(tmp_path, "BANKA", config).load()
        assert take(lease, 1.0, 60.0).number == 1
        ControlFile(tmp_path, "BANKA", config).keep(lease, True)
    assert len(list(tmp_path.iterdir())) == 2


def test_without_a_place_or_with_a_full_disk_control_works_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = kept_in(None)
    nowhere.keep(nowhere.load(), True)
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    blocked = kept_in(in_the_way)
    lease = blocked.load()
    take(lease, 1.0, 60.0)
    blocked.keep(lease, True)
    assert blocked.failures == 1
    assert "cannot be kept" in caplog.text


def test_what_has_ended_while_the_disk_was_full_does_not_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kept = kept_in(tmp_path)
    lease = kept.load()
    owner = take(lease, 1.0, 60.0)
    kept.keep(lease, True)

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(WholeFile, "write", full)
        lease.release(2.0, 0.0, owner, key="ann")
        kept.keep(lease, True)
    found = kept_in(tmp_path).load()
    assert (found.holder, found.number) == (None, 1)
    assert "cannot be kept" not in caplog.text


def test_the_time_of_leases_is_that_since_the_boot() -> None:
    assert boot_id() == boot_id()
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    assert seconds_since_boot() == pytest.approx(uptime, abs=60.0)
