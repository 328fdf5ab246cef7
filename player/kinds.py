"""Search for the class of a kind of Bank or of an endpoint: entry points, or `module:Class` in the
file.

What a class says of its configuration is asked here too, because it is anybody's code: whatever it
does is a KindError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from groundwork.loading import (
    TargetError,
    Targets,
    load_target,
    raised_where,
    registered,
    target_of,
)
from player.alarms.config import ALARM_NAME
from player.alarms.rules import AlarmRule
from player.bank import Bank
from player.endpoints.base import SiteEndpoint
from player.errors import Fault, KindError
from player.tables import BankConfig, Composed, Config, EndpointConfig
from player.tomlfile import KeyPath

__all__ = [
    "BUILT_IN",
    "BUILT_IN_ENDPOINTS",
    "ENDPOINTS_GROUP",
    "GROUP",
    "alarms_of",
    "check_of",
    "composed_of",
    "endpoint_model",
    "find_endpoint",
    "find_kind",
    "kind_names",
    "model_of",
    "sections_of",
]

GROUP = "dealer_player.banks"
ENDPOINTS_GROUP = "dealer_player.endpoints"
_RENAMED_GROUPS = {"dealer_player.doors": ENDPOINTS_GROUP}

# Used where the package runs from a source tree without distribution metadata.
BUILT_IN = {
    "spectrometer": "spectrometer.bank:SpectrometerBank",
    "histogrammer": "histogrammer.bank:HistogrammerBank",
    "difx": "gateways.difx.bank:DifxBank",
}
BUILT_IN_ENDPOINTS = {
    "guiserver": "gateways.difx.endpoint:GuiServerEndpoint",
    "http": "player.endpoints.http.endpoint:HttpEndpoint",
    "mirror": "histogrammer.mirror.endpoint:MirrorEndpoint",
    "spectcl": "histogrammer.rest.endpoint:SpecTclEndpoint",
}

T = TypeVar("T")


def kind_names() -> list[str]:
    """Return the names of the kinds of Banks that are installed, sorted."""
    return sorted(registered(GROUP, BUILT_IN))


def find_kind(kind: str) -> type[Bank]:
    """Return the class of a kind of Bank.

    Args:
        kind: A registered name, or `module:Class` for a kind that no distribution registers.

    Raises:
        KindError: No such kind, or it cannot be imported, or it is no Bank.
    """
    return _find(kind, registered(GROUP, BUILT_IN), Bank, "kind of Bank")


def find_endpoint(kind: str) -> type[SiteEndpoint]:
    """Return the class of an endpoint.

    Args:
        kind: A registered name, or `module:Class` for an endpoint that no distribution registers.

    Raises:
        KindError: No such endpoint, or it cannot be imported, or it is none.
    """
    _refuse_renamed(kind)
    return _find(kind, registered(ENDPOINTS_GROUP, BUILT_IN_ENDPOINTS), SiteEndpoint, "endpoint")  # type: ignore[type-abstract]  # only subclasses are returned


def _refuse_renamed(name: str) -> None:
    for old, new in _RENAMED_GROUPS.items():
        if name in registered(old, {}) and name not in registered(new, {}):
            raise KindError(name, f"registered in the group {old}, which is called {new} now")


def _find(name: str, targets: Targets, base: type[T], what: str) -> type[T]:
    try:
        target = name if ":" in name else target_of(name, targets)
        found = load_target(target)
    except KeyError as error:
        there_are = f"there are {', '.join(sorted(targets))}" if targets else "none is installed"
        raise KindError(name, f"no such {what}; {there_are}") from error
    except TargetError as error:
        raise KindError(name, str(error)) from error
    if not (isinstance(found, type) and issubclass(found, base)):
        raise KindError(name, f"{target} is not a subclass of {base.__module__}.{base.__name__}")
    return found


def _told(name: str, ask: Callable[[], T], is_sound: Callable[[Any], bool], expected: str) -> T:
    """Return what a class answers.

    Raises:
        KindError: It raised, or answered something else than `expected`.
    """
    what = getattr(ask, "__name__", "answer")
    try:
        answer = ask()
    except Exception as error:
        raise KindError(name, f"{what} raised {raised_where(error)}: {error}") from error
    if not is_sound(answer):
        raise KindError(name, f"{what} answered {str(answer)[:60]!r}; expected {expected}")
    return answer


def _is_model(answer: Any, base: type) -> bool:
    return isinstance(answer, type) and issubclass(answer, base)


def model_of(name: str, kind: type[Bank]) -> type[BankConfig]:
    """Return the model of a kind's tables; KindError: it has none."""
    base = "a subclass of player.tables.BankConfig"
    return _told(name, kind.config_model, lambda answer: _is_model(answer, BankConfig), base)


def endpoint_model(name: str, endpoint: type[SiteEndpoint]) -> type[EndpointConfig]:
    """Return the model of an endpoint's tables; KindError: it has none."""
    base = "a subclass of player.tables.EndpointConfig"
    return _told(
        name, endpoint.config_model, lambda answer: _is_model(answer, EndpointConfig), base
    )


def sections_of(name: str, kind: type[Bank]) -> Mapping[str, Any]:
    """Return the further tables that a kind reads, name -> type; KindError: it does not tell."""

    def is_sound(answer: Any) -> bool:
        return isinstance(answer, Mapping) and all(isinstance(key, str) for key in answer)

    return _told(name, kind.instrument_sections, is_sound, "a mapping of names to types")


def check_of(name: str, kind: type[Bank], config: Config) -> list[Fault]:
    """Return the faults that a kind finds; KindError: it does not tell."""

    def check() -> list[Fault]:
        return kind.check(config)

    def is_sound(answer: Any) -> bool:
        return isinstance(answer, list) and all(isinstance(one, Fault) for one in answer)

    return _told(name, check, is_sound, "a list of config.fault(...)")


def composed_of(name: str, kind: type[Bank], config: Config) -> Mapping[KeyPath, Composed]:
    """Return the tables that a kind puts together from several; KindError: it does not tell."""

    def composed() -> Mapping[KeyPath, Composed]:
        return kind.composed(config)

    def is_sound(answer: Any) -> bool:
        return isinstance(answer, Mapping) and all(
            isinstance(one, Composed) for one in answer.values()
        )

    return _told(name, composed, is_sound, "a mapping of keys to player.tables.Composed")


def alarms_of(name: str, kind: type[Bank]) -> Sequence[AlarmRule]:
    """Return the alarms that a kind declares; KindError: it does not tell."""

    def is_sound(answer: Any) -> bool:
        return isinstance(answer, Sequence) and all(
            isinstance(one, AlarmRule) and re.match(ALARM_NAME, one.name) for one in answer
        )

    expected = "a list of player.alarms.rules.AlarmRule, with names of letters, digits, ., _ and -"
    return _told(name, kind.declared_alarms, is_sound, expected)
