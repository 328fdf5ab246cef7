"""Files of keys as texts."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zmqjsonproxy.keys.protocol.documents import (
    Bundle,
    ClientKey,
    OwnKey,
    checked_name,
    pin_name,
    read_bundle,
    read_client,
    read_own,
    read_pins,
    read_server,
    write_bundle,
    write_client,
    write_own,
    write_pins,
    write_server,
)
from zmqjsonproxy.rights import Role

KEY = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"  # of the text of ZeroMQ's RFC 26
SECRET = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", fullmatch=True).filter(
    lambda name: name.lower() != "host"
)
HOSTS = st.sampled_from(["hpc1", "hpc1:6667", "10.0.0.1", "[fd00::1]:6667", "fd00::1", "localhost"])


@settings(max_examples=30)
@given(NAMES, st.sampled_from(list(Role)), st.booleans(), st.sampled_from(["", "0a" * 32]))
def test_client_is_read_as_it_was_written(
    name: str, role: Role, is_revoked: bool, digest: str
) -> None:
    client = ClientKey(name=name, role=role, public=KEY, is_revoked=is_revoked, token_digest=digest)
    assert read_client(write_client(client), name) == client


@settings(max_examples=20)
@given(NAMES, st.dictionaries(HOSTS, st.sampled_from([KEY, "plain"])))
def test_bundle_is_read_as_it_was_written(name: str, pins: dict[str, str]) -> None:
    own = OwnKey(name=name, secret=SECRET, token="t" * 43)
    assert read_bundle(write_bundle(Bundle(own, pins))) == Bundle(own, pins)
    assert read_own(write_own(own)) == own
    assert read_pins(write_pins(pins)) == pins


def test_key_of_a_server_is_read_as_it_was_written_and_is_toml() -> None:
    text = write_server(KEY, SECRET)
    assert read_server(text) == (KEY, SECRET)
    assert tomllib.loads(text) == {"public": KEY, "secret": SECRET}


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("anna", True),
        ("gui.control-room_2@hpc1", True),
        ("7", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("", False),
        (".anna", False),
        ("-anna", False),
        ("../anna", False),
        ("an/na", False),
        ("anna\n", False),
        ("an\nna", False),
        ("an na", False),
        ("\x1b[31manna", False),
        ("änna", False),
        ("host", False),
        ("Host", False),
    ],
)
def test_names_of_clients_are_short_words(name: str, is_one: bool) -> None:
    if is_one:
        assert checked_name(name) == name
    else:
        with pytest.raises(ValueError) as caught:
            checked_name(name)
        assert str(caught.value).isprintable()


GOOD = f'name = "anna"\nrole = "operate"\npublic = "{KEY}"\n'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (GOOD + "revoked = ", "not TOML"),
        ("[" * 5000, "not TOML"),
        (GOOD.replace("operate", "root"), "'root' is no role"),
        (GOOD.replace('"operate"', "7"), "is no role"),
        (GOOD.replace(KEY, KEY[1:]), "public is no key"),
        (GOOD.replace("anna", "ben"), "name is not anna"),
        (GOOD + 'revoked = "no"\n', "revoked is neither"),
        (GOOD + "revokd = true\n", "'revokd' is an unknown key"),
        (GOOD + '"re\\nvoked" = true\n', r"'re\\nvoked' is an unknown key"),
        (GOOD + 'token_digest = "00"\n', "token_digest"),
        ('name = "anna"\n', "role is missing"),
        ("", "name is missing"),
    ],
)
def test_broken_file_of_a_client_says_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        read_client(text, "anna")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        f'name = "anna"\nsecret = "{SECRET}" x',
        f'name = "anna"\nsecret = "{SECRET}x"',
        f'name = "anna"\nsecret = "{SECRET}"\ntoken = "{SECRET}"',
        f'name = "anna"\nsecret = ["{SECRET}"]',
    ],
)
def test_error_about_an_own_key_does_not_show_the_secret(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_own(text)
    assert SECRET[:12] not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("HPC1", "hpc1"),
        ("hpc1.site.org.", "hpc1.site.org"),
        ("hpc1:6667", "hpc1:6667"),
        ("LOCALHOST", "localhost"),
        ("127.0.0.1", "localhost"),
        ("127.0.1.1:6667", "localhost:6667"),
        ("::1", "localhost"),
        ("[::1]:6667", "localhost:6667"),
        ("fd00::1", "fd00::1"),
        ("[fd00::1]", "fd00::1"),
        ("[fd00::1]:6667", "[fd00::1]:6667"),
    ],
)
def test_one_host_has_one_name_among_pins(text: str, name: str) -> None:
    assert pin_name(text) == name
    assert pin_name(name) == name


@pytest.mark.parametrize(
    "text", ["", "tcp://hpc1:1", "hpc1:0", "hpc1:65536", "a b", "hpc1\n", ":5"]
)
def test_what_is_no_host_is_no_name_among_pins(text: str) -> None:
    with pytest.raises(ValueError):
        pin_name(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "servers is missing"),
        ("servers = 1", "servers is no table"),
        ('[servers]\nhpc1 = "other"\n', "hpc1 stands for no key"),
        ("[servers]\nhpc1 = 1\n", "hpc1 stands for no key"),
        (f'[servers]\nhpc1 = "{KEY}"\nHPC1 = "plain"\n', "hpc1 is there twice"),
        ('[servers]\n"h pc1" = "plain"\n', "no host"),
    ],
)
def test_broken_pins_say_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_pins(text)
