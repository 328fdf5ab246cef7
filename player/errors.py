"""Errors of a Player before it serves.

PlayerError
|-- ConfigError          the configuration has faults; all of them, each with its place
|-- BankNameError        no Bank, or more than one, for this host or this name
|-- KindError            `[banks.X] kind` names nothing that can be loaded
|-- CommandError         a command that a kind brings cannot be loaded
|-- PortTakenError       the address to serve on is in use
|-- AddressError         the address to serve on cannot be used at all
|-- KeysMissingError     keys are demanded, and this host has none
|-- OwnKeysError         keys of the user cannot be used
|-- BankStartError       the Bank could not be made or opened
|-- DataRootError        data files cannot go where they should
|-- NotReadyError        the Player does not answer on its own socket
|-- NewBankError         a new distribution cannot be written, or its names are taken
`-- UnwritableError      a path or value that a supervisord file cannot hold
"""

from __future__ import annotations

from collections.abc import Iterable

from arrayconfig.files import Fault
from groundwork.errors import Portable

__all__ = [
    "AddressError",
    "BankNameError",
    "BankStartError",
    "CommandError",
    "ConfigError",
    "DataRootError",
    "EndpointError",
    "Fault",
    "KeysMissingError",
    "KindError",
    "NewBankError",
    "NotReadyError",
    "OwnKeysError",
    "PlayerError",
    "PortTakenError",
    "UnwritableError",
]


class PlayerError(Portable):
    """Base of this package's errors; the text is one line for the operator."""


class ConfigError(PlayerError):
    """The configuration cannot be used; `faults` lists everything that was found."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = list(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class BankNameError(PlayerError):
    """Which Bank to serve is unknown or ambiguous."""


class KindError(PlayerError):
    """A kind of Bank cannot be found or loaded."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"kind {kind!r}: {text}")
        self.kind = kind


class CommandError(PlayerError):
    """A command of `player` that a kind brings cannot be loaded."""

    def __init__(self, word: str, text: str) -> None:
        super().__init__(f"player {word}: {text}")
        self.word = word


class PortTakenError(PlayerError):
    """Another process serves on the port, or others on all that were tried.

    Args:
        url: Address that was tried last.
        port: The port, or all of them.
        holder: Process that has it, in words.
    """

    def __init__(self, url: str, port: int | range, holder: str = "another process") -> None:
        ports = range(port, port + 1) if isinstance(port, int) else port
        super().__init__(
            f"port {ports[0]} is taken: {holder} already serves on {url}"
            if len(ports) == 1
            else f"all ports from {ports[0]} to {ports[-1]} are taken, the last one of {url}; end "
            "what has one of them, or give a longer range"
        )
        self.url, self.port = url, ports[0]


class AddressError(PlayerError):
    """The URL is none, or its address is not one of this host."""

    def __init__(self, url: str, text: str) -> None:
        super().__init__(f"cannot serve on {url}: {text}")
        self.url = url


class KeysMissingError(PlayerError):
    """Callers need keys at an address, and the servers of this host have none.

    Attributes:
        remedy: What to type.
    """

    def __init__(self, address: str, text: str, remedy: str) -> None:
        super().__init__(f"callers at {address} need keys, and {text}; {remedy}")
        self.remedy = remedy


class OwnKeysError(PlayerError):
    """The keys by which this user reaches Players cannot be used."""


class ServiceError(PlayerError):
    """No port can be had for the name of a service, or nobody is found under it."""

    def __init__(self, service: str, manager: str, text: str) -> None:
        super().__init__(f"service {service} at the port manager {manager}: {text}")
        self.service, self.manager = service, manager


class NotRegisteredError(ServiceError):
    """The port manager answers, and knows no such service."""


class BankStartError(PlayerError):
    """A Bank could not be made or opened. A kind raises it for what the operator should read."""


class DataRootError(PlayerError):
    """The data root cannot be used; `fault` says why, `remedy` what to do, as an imperative."""

    def __init__(self, path: object, fault: str, remedy: str) -> None:
        super().__init__(f"data root {path} {fault}; {remedy}")
        self.path, self.fault, self.remedy = path, fault, remedy


class EndpointError(PlayerError):
    """An endpoint could not take its address."""


class NotReadyError(PlayerError):
    """A Player does not answer a call, or another one answers in its place."""

    def __init__(self, bank: str, url: str, text: str) -> None:
        super().__init__(f"{bank} at {url} is not ready: {text}")
        self.bank, self.url = bank, url


class NewBankError(PlayerError):
    """A distribution with a new kind of Bank cannot be written."""


class UnwritableError(PlayerError):
    """A supervisord file has no way to write this."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"a supervisord file cannot hold {text!r}: both kinds of quotes, or ' ;' or ' #' in it"
        )
        self.text = text
