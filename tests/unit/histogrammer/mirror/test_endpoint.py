"""The table of the endpoint for mirrors, and whom it serves where."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import ValidationError

from histogrammer.mirror.endpoint import MirrorEndpoint
from histogrammer.mirror.endpointconfig import MirrorEndpointConfig
from player.bank import Bank
from player.endpoints.base import EndpointContext
from zmqjsonproxy.errors import RefusedError


@contextmanager
def made(config: MirrorEndpointConfig, bind: str) -> Iterator[MirrorEndpoint]:
    """Make an endpoint; `bind` is the address of the Bank, unless it has one of its own."""
    context = EndpointContext(
        name="mirror",
        bank="BANKA",
        config=config,
        bind=config.bind or bind,
        log=logging.LoggerAdapter(logging.getLogger("tests")),
        on_end=lambda _reason: None,
        on_quit=lambda _reason: None,
        lend=lambda _service, at: at(0),
        url="tcp://127.0.0.1:1",
        directory=Path(),
        areas={},
    )
    one = MirrorEndpoint(context)
    try:
        yield one
    finally:
        one.close()


def test_the_port_is_that_of_rustogramer() -> None:
    assert MirrorEndpointConfig().port == 8001
    assert MirrorEndpointConfig(port="service:RG_MIRROR").port == "service:RG_MIRROR"


@pytest.mark.parametrize(
    ("peers", "bind", "host"),
    [
        ([], "127.0.0.1", "127.0.0.1"),
        ([], "0.0.0.0", "127.0.0.1"),
        (["192.0.2.0/24"], "0.0.0.0", "0.0.0.0"),
        (["192.0.2.0/24"], "::", "::"),
    ],
)
def test_other_hosts_reach_it_only_with_peers(peers: list[str], bind: str, host: str) -> None:
    with made(MirrorEndpointConfig(port=0, peers=peers), bind) as one:
        assert one.url.rpartition(":")[0] in (f"tcp://{host}", f"tcp://[{host}]")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"bind": "192.0.2.1"}, "none of them may connect: name those that may"),
        ({"peers": ["192.0.2.1/24"]}, "is no network"),
        ({"max_clients": 0}, "greater than or equal to 1"),
        ({"port": 65536}, "port"),
    ],
)
def test_tables_that_cannot_be_are_refused(table: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        MirrorEndpointConfig.model_validate(table)


def test_a_device_that_others_reach_needs_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("player.endpoints.peered.address_of_device", lambda _bind: "192.0.2.1")
    with pytest.raises(RefusedError, match=r"other hosts reach 192\.0\.2\.1"):
        with made(MirrorEndpointConfig(port=0, bind="eth7"), "127.0.0.1"):
            pass


def test_a_bank_that_is_no_histogrammer_is_refused() -> None:
    class Other(Bank):
        name = "BANKA"

        def __init__(self) -> None:
            pass

    with made(MirrorEndpointConfig(port=0), "127.0.0.1") as one:
        with pytest.raises(RefusedError, match="BANKA is no histogrammer"):
            one.open(Other())
