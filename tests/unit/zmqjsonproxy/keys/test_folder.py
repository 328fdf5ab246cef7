"""The key folder of a host, looked at again and again."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from pathlib import Path

import pytest
from support.dealers import eventually

from zmqjsonproxy.keys import KeyFileError, KeyFolder
from zmqjsonproxy.keys import folder as folders
from zmqjsonproxy.keys.pair import new_pair
from zmqjsonproxy.keys.protocol.documents import ClientKey, write_client
from zmqjsonproxy.keys.register import make_server, new_client, register, revoke
from zmqjsonproxy.rights import Role


@pytest.fixture
def path(tmp_path: Path) -> Path:
    make_server(tmp_path / "keys")
    return tmp_path / "keys"


def add(path: Path, name: str, role: Role = Role.OPERATE) -> str:
    """Register a client; its public key."""
    made = new_client(name)
    register(path, name, role, made.public, made.digest)
    return made.public


def test_registered_client_is_found_by_key_and_by_token(path: Path) -> None:
    made = new_client("anna")
    register(path, "anna", Role.ADMIN, made.public, made.digest)
    with KeyFolder(path) as keys:
        found = keys.find(made.public)
        assert found is not None
        assert (found.name, found.role, found.is_revoked) == ("anna", Role.ADMIN, False)
        assert keys.find_token(made.own.token) == found
        assert keys.find_token("") is None
        assert keys.find_token(found.token_digest) is None
        assert keys.find(new_pair().public) is None


def test_key_of_the_servers_is_the_host_itself(path: Path) -> None:
    with KeyFolder(path) as keys:
        found = keys.find(keys.server().public)
        assert found is not None
        assert (found.name, found.role) == ("host", Role.ADMIN)
        assert "host" not in keys.clients()


def test_secret_keys_are_in_no_text_of_an_object(path: Path) -> None:
    with KeyFolder(path) as keys:
        assert keys.server().secret not in repr(keys.server())
    made = new_client("anna")
    assert made.own.secret not in repr(made)
    assert made.own.token not in repr(made)


def test_key_of_the_servers_is_made_once(path: Path) -> None:
    with pytest.raises(KeyFileError, match="is there already"):
        make_server(path)


def test_revoked_client_stays_known_and_refused(path: Path) -> None:
    public = add(path, "anna")
    with KeyFolder(path) as keys:
        revoke(path, "anna")
        keys.look()
        found = keys.find(public)
        assert found is not None
        assert found.is_revoked
        assert keys.generation == 1
        keys.look()
        assert keys.generation == 1


def test_client_is_registered_once_unless_it_is_replaced(path: Path) -> None:
    public = add(path, "anna")
    with pytest.raises(KeyFileError, match="is there already"):
        add(path, "anna")
    with pytest.raises(KeyFileError, match="anna has this key"):
        register(path, "ben", Role.OBSERVE, public)
    register(path, "anna", Role.OBSERVE, public, replace=True)
    with KeyFolder(path) as keys:
        assert keys.clients()["anna"].role is Role.OBSERVE


def test_name_that_people_take_for_another_ones_is_refused(path: Path) -> None:
    add(path, "anna")
    with pytest.raises(KeyFileError, match="there is anna already"):
        add(path, "Anna")


@pytest.mark.parametrize("name", ["ben", "../server", "", "an\nna"])
def test_nobody_else_is_revoked(path: Path, name: str) -> None:
    add(path, "anna")
    with pytest.raises(KeyFileError, match="there is anna") as caught:
        revoke(path, name)
    assert "\n" not in str(caught.value)


def test_file_of_the_same_size_and_time_is_seen(path: Path) -> None:
    before = add(path, "anna")
    file = path / "clients" / "anna.key"
    status = file.stat()
    with KeyFolder(path) as keys:
        after = new_pair().public
        text = file.read_text().replace(before, after)
        with file.open("r+") as opened:  # in place, so that it stays the same file
            opened.write(text)
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        now = file.stat()
        assert (now.st_size, now.st_mtime_ns, now.st_ino) == (
            status.st_size,
            status.st_mtime_ns,
            status.st_ino,
        )
        keys.look()
        assert keys.find(before) is None
        assert keys.find(after) is not None


def test_of_many_clients_a_change_is_seen_at_the_next_look_and_not_all_are_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publics = []
    for number in range(120):
        pair, name = new_pair(), f"client{number:03}"
        client = ClientKey(name=name, role=Role.OBSERVE, public=pair.public)
        file = path / "clients" / f"{name}.key"
        file.write_text(write_client(client))
        file.chmod(0o600)
        publics.append(pair.public)
    read: list[str] = []
    real = folders.read_private

    def counted(descriptor: int, at: Path) -> str:
        read.append(at.name)
        return real(descriptor, at)

    monkeypatch.setattr(folders, "read_private", counted)
    monkeypatch.setattr(folders, "_YOUNG_NS", -(10**12))  # as if they were written long ago
    with KeyFolder(path) as keys:
        assert len(read) == 120
        read.clear()
        keys.look()
        assert len(read) == 50
        last = path / "clients" / "client119.key"
        with last.open("r+") as opened:
            opened.write(last.read_text().replace("observe", "operate"))
        read.clear()
        keys.look()
        assert "client119.key" in read
        assert len(read) <= 51
        found = keys.find(publics[-1])
        assert found is not None
        assert found.role is Role.OPERATE
        read.clear()
        for _ in range(3):
            keys.look()
        assert set(read) == {f"client{number:03}.key" for number in range(120)}


def broken(path: Path, how: str) -> None:
    match how:
        case "toml":
            path.write_text("name = ")
        case "wide":
            path.chmod(0o644)
        case "link":
            path.rename(path.with_suffix(".old"))
            path.symlink_to(path.with_suffix(".old"))
        case "other name":
            path.write_text(path.read_text().replace("ben", "anna"))
        case "fifo":
            path.unlink()
            os.mkfifo(path, 0o600)


@pytest.mark.parametrize("how", ["toml", "wide", "link", "other name", "fifo"])
def test_broken_file_lets_nobody_in_and_harms_no_other(
    path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    anna, ben = add(path, "anna"), add(path, "ben")
    with KeyFolder(path) as keys:
        broken(path / "clients" / "ben.key", how)
        keys.look()
        keys.look()
        assert keys.find(ben) is None
        assert keys.find(anna) is not None
        assert [fault.path.name for fault in keys.faults] == ["ben.key"]
    told = [record.message for record in caplog.records if "ben.key" in record.message]
    assert len(told) == 1, "it is told once"
    with KeyFolder(path) as keys:
        assert [fault.path.name for fault in keys.faults] == ["ben.key"]


def test_two_clients_with_one_key_are_both_kept_out(path: Path) -> None:
    add(path, "anna")
    add(path, "cleo")
    file = path / "clients" / "ben.key"
    file.write_text((path / "clients" / "anna.key").read_text().replace("anna", "ben"))
    file.chmod(0o600)
    with KeyFolder(path) as keys:
        clients = keys.clients()
        assert keys.find(clients["anna"].public) is None
        assert keys.find(clients["cleo"].public) is not None
        assert "neither is let in" in str(keys.faults[0])


def test_names_of_files_are_no_way_to_steer_a_terminal_or_forge_a_line(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("ev\nil.key", "\x1b[31mred.key", ".anna.key.1a2b", "notes.txt", "é.key"):
        (path / "clients" / name).write_text("")
    with KeyFolder(path) as keys:
        keys.watch()
        assert dict(keys.clients()) == {}
        assert len(keys.faults) == 3
    for record in caplog.records:
        assert record.message.isprintable()


@pytest.mark.parametrize("what", ["clients", "all"])
def test_folder_that_vanishes_lets_nobody_in_until_it_is_back(
    path: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    public = add(path, "anna")
    gone = path / "clients" if what == "clients" else path
    with KeyFolder(path) as keys:
        gone.rename(gone.with_name("away"))
        keys.look()
        keys.look()
        assert keys.find(public) is None
        assert keys.find(keys.server().public) is not None, "the Player reaches itself"
        assert "nobody is let in" in keys.trouble
        assert caplog.text.count("nobody is let in") == 1
        gone.with_name("away").rename(gone)
        keys.look()
        assert keys.find(public) is not None
        assert keys.trouble == ""


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO, errno.ESTALE])
def test_trouble_with_the_disk_or_descriptors_cuts_nobody_off(
    path: Path, number: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    public = add(path, "anna")
    with KeyFolder(path) as keys:
        real = os.open

        def failing(at: str, *args: object, **kwargs: object) -> int:
            if str(at).endswith("anna.key") or number == errno.EMFILE:
                raise OSError(number, os.strerror(number))
            return real(at, *args, **kwargs)  # type: ignore[arg-type]

        monkeypatch.setattr(os, "open", failing)
        keys.look()
        keys.look()
        assert keys.find(public) is not None
        assert caplog.text.count(os.strerror(number)) == 1, "it is told once"
        monkeypatch.undo()
        keys.look()
        assert (keys.trouble, keys.faults) == ("", ())
        (path / "clients" / "anna.key").unlink()
        keys.look()
        assert keys.find(public) is None


def test_folder_that_others_may_use_is_not_read_and_said_so(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    anna = add(path, "anna")
    with KeyFolder(path) as keys:
        (path / "clients").chmod(0o777)
        ben = new_client("ben")
        file = path / "clients" / "ben.key"
        file.write_text(write_client(ClientKey(name="ben", role=Role.ADMIN, public=ben.public)))
        file.chmod(0o600)
        keys.look()
        assert keys.find(ben.public) is None
        assert keys.find(anna) is not None
        assert "chmod 700" in keys.trouble
    with pytest.raises(KeyFileError, match="chmod 700"):
        KeyFolder(path)


def test_watched_folder_is_looked_at_by_itself(path: Path) -> None:
    with KeyFolder(path) as keys:
        keys.watch()
        public = add(path, "anna")
        eventually(lambda: keys.find(public) is not None)
        shutil.rmtree(path)
        eventually(lambda: keys.find(public) is None)


@pytest.mark.parametrize(
    ("text", "why"),
    [("", "public is missing"), ("not toml", "not TOML"), ("pair", "do not belong together")],
)
def test_broken_key_of_the_servers_is_an_error(path: Path, text: str, why: str) -> None:
    file = path / "server.key"
    secret = KeyFolder(path).server().secret
    if text == "pair":
        text = f'public = "{new_pair().public}"\nsecret = "{secret}"\n'
    file.write_text(text)
    with pytest.raises(KeyFileError, match=why) as caught:
        KeyFolder(path)
    assert secret not in str(caught.value)


def test_folder_without_a_key_of_servers_knows_clients_all_the_same(tmp_path: Path) -> None:
    public = add(tmp_path / "keys", "anna")
    with KeyFolder(tmp_path / "keys") as keys:
        assert keys.find(public) is not None
        with pytest.raises(KeyFileError, match="player keys new"):
            keys.server()


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="No such file"):
        KeyFolder(tmp_path / "keys")


def test_changes_are_told_in_the_log(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with KeyFolder(path) as keys:
        with caplog.at_level(logging.INFO):
            add(path, "anna", Role.ADMIN)
            keys.look()
            revoke(path, "anna")
            keys.look()
            (path / "clients" / "anna.key").unlink()
            keys.look()
    told = [record.message.partition(", ")[0] for record in caplog.records]
    assert told == ["keys: anna may admin", "keys: anna is revoked", "keys: anna is gone"]


def test_a_key_of_the_servers_that_was_replaced_is_told_once(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with KeyFolder(path) as keys:
        before = keys.server()
        keys.look_at_server()
        assert not caplog.records
        (path / folders.SERVER_FILE).rename(path / "before")
        keys.look_at_server()
        make_server(path)
        for _ in range(2):
            keys.look_at_server()
        (record,) = caplog.records
        assert "was replaced: this process has its old key until it is restarted" in record.message
        assert keys.server() == before
