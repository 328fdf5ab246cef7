"""Targets of keys and of control: files of keys, bundles, proofs of control."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tools.fuzz.target import Target, json_of
from zmqjsonproxy.control.protocol.lease import Credential, Lease, Terms
from zmqjsonproxy.errors import NotInControlError, RefusedError
from zmqjsonproxy.keys.protocol import documents, keytexts
from zmqjsonproxy.rights import Role

KEY = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
CLIENT = documents.ClientKey(name="observer", role=Role.OPERATE, public=KEY)
OWN = documents.OwnKey(name="observer", secret=KEY)
BUNDLE = documents.Bundle(OWN, {"hpc1": KEY, "hpc2:6667": documents.PLAIN})
OWNERS_TOKEN = "0" * 32


def read_key_files(data: bytes) -> None:
    """Read each kind of file; what is written of it is read as the same."""
    text = data.decode("utf-8", "replace")
    both: tuple[tuple[Callable[[str], Any], Callable[[Any], str]], ...] = (
        (lambda one: documents.read_client(one, "observer"), documents.write_client),
        (documents.read_own, documents.write_own),
        (documents.read_pins, documents.write_pins),
        (documents.read_bundle, documents.write_bundle),
        (documents.read_server, lambda pair: documents.write_server(*pair)),
    )
    for read, write in both:
        try:
            found = read(text)
        except ValueError:
            continue
        assert read(write(found)) == found


def read_names(data: bytes) -> None:
    """Read names of clients, addresses of servers, and keys."""
    text = data.decode("utf-8", "replace")
    for read in (documents.checked_name, documents.pin_name):
        try:
            read(text)
        except ValueError:
            pass
    if keytexts.is_key(text):
        assert len(keytexts.key_bytes(text)) == 32
        keytexts.fingerprint(text)


def read_proof(data: bytes) -> None:
    """Let whoever has no token try what only the owner may."""
    lease, text = Lease("BANKA"), data.decode("utf-8", "replace")
    lease.take(0.0, 0.0, Terms(owner="a@b:1", reason="mine", seconds=60.0), OWNERS_TOKEN)
    holder, credential = lease.holder, Credential.read(text)
    if credential is not None and credential.token == OWNERS_TOKEN:
        return
    for attempt in (
        lambda: lease.check(1.0, text),
        lambda: lease.renew(1.0, 1.0, credential),
        lambda: lease.release(1.0, 1.0, credential),
    ):
        try:
            attempt()
        except NotInControlError:
            continue
        raise AssertionError("somebody else is taken for the owner")
    assert lease.holder is holder


def read_terms(data: bytes) -> None:
    """Take control on whatever terms; those that are taken end."""
    value: Any = json_of(data)
    reason, seconds, silent_s = (
        value if isinstance(value, list) and len(value) == 3 else [value] * 3
    )
    lease = Lease("BANKA")
    terms = Terms(owner="a@b:1", reason=reason, seconds=seconds, silent_s=silent_s)
    lease.take(0.0, 0.0, terms, OWNERS_TOKEN)
    assert lease.tick(1e9, 1e9)


TARGETS = (
    Target(
        name="key-files",
        folder="zmqjsonproxy/keys/protocol",
        read=read_key_files,
        samples=tuple(
            text.encode()
            for text in (
                documents.write_client(CLIENT),
                documents.write_own(OWN),
                documents.write_pins(BUNDLE.pins),
                documents.write_bundle(BUNDLE),
                documents.write_server(KEY, KEY),
            )
        ),
    ),
    Target(
        name="key-names",
        folder="zmqjsonproxy/keys/protocol",
        read=read_names,
        samples=(b"observer", b"hpc1:6667", KEY.encode()),
    ),
    Target(
        name="proofs-of-control",
        folder="zmqjsonproxy/control/protocol",
        read=read_proof,
        samples=(b"1:" + b"1" * 32, b"2:x", b""),
    ),
    Target(
        name="terms-of-control",
        folder="zmqjsonproxy/control/protocol",
        read=read_terms,
        raises=(RefusedError,),
        samples=(b'["pointing run",3600,15]', b'["x",1,null]'),
    ),
)
