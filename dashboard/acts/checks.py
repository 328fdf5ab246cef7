"""Checks before anything is sent: Banks that are not heard, methods that are not there. No sockets."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from dashboard.bankstate import WatchedBank
from dashboard.protocol.liveness import LivenessState
from groundwork.secretnames import names_secret
from player.endpoints.http.protocol.messages import MAX_ARRAY
from player.endpoints.http.protocol.texts import write_json
from zmqjsonproxy import MethodDescription
from zmqjsonproxy.parameters import Passing

__all__ = ["NothingSentError", "call_text", "check_heard", "has_secret", "methods_of"]

MAX_TEXT = 300
_HIDDEN = "..."
"""Stands for what is secret."""
_NOT_CALLED = {
    "control": "control is taken, given back and broken by its own addresses",
    "rpc": "operations are aborted by an address of their own",
}


class NothingSentError(Exception):
    """Error: an act is not begun, for it could not be carried out at all of its Banks."""


def check_heard(
    states: Mapping[str, WatchedBank], banks: Sequence[str], what: str, *, is_urgent: bool = False
) -> None:
    """Check that Banks are heard.

    Args:
        states: Bank -> what is known of it.
        banks: Where something is to be done.
        what: What.
        is_urgent: It ends something: a short silence is no reason against it.

    Raises:
        NothingSentError: Some are not; names all of them.
    """
    unheard = []
    for bank in banks:
        link = states[bank].liveness
        if link.state is LivenessState.LIVE or (is_urgent and link.state is LivenessState.STALE):
            continue
        unheard.append(f"{bank} is {link.state}" + (f" ({link.reason})" if link.reason else ""))
    if unheard:
        raise NothingSentError(
            f"{what}: nothing was sent: {'; '.join(unheard)}; leave it out, or wait until it is heard"
        )


def methods_of(
    states: Mapping[str, WatchedBank], banks: Sequence[str], object_name: str, method: str
) -> dict[str, MethodDescription]:
    """Return what Banks say of a method.

    Raises:
        NothingSentError: Some have no such method, or it is not to be called so; names all of them.
    """
    label = method if object_name == "bank" else f"{object_name}.{method}"
    if object_name in _NOT_CALLED:
        raise NothingSentError(f"{label}: nothing was sent: {_NOT_CALLED[object_name]}")
    found, lacking = dict[str, MethodDescription](), list[str]()
    for bank in banks:
        described = states[bank].interface.objects.get(object_name)
        known = None if described is None else described.methods.get(method)
        if known is None:
            lacking.append(f"{bank} has no such method")
        else:
            found[bank] = known
    if lacking:
        raise NothingSentError(f"{label}: nothing was sent: {'; '.join(lacking)}")
    return found


def call_text(
    label: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    described: MethodDescription | None = None,
) -> str:
    """Return a call in words, without what is secret.

    Args:
        label: Method.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
        described: What is known of the method; None: nothing.
    """
    secret = _secret_names(described)
    words = [
        _HIDDEN if _is_secret(name, secret) else _word(arg) for name, arg in _named(args, described)
    ]
    words += [
        f"{name}={_HIDDEN if _is_secret(name, secret) else _word(value)}"
        for name, value in kwargs.items()
    ]
    text = ", ".join(words)
    return f"{label}({text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + '...'})"


def has_secret(
    args: Sequence[Any], kwargs: Mapping[str, Any], described: MethodDescription
) -> bool:
    """Tell whether arguments of a call, or members of their tables, are secret."""
    secret = _secret_names(described)
    given = [*_named(args, described), *kwargs.items()]
    return any(_is_secret(name, secret) or _shown(value) != value for name, value in given)


def _named(args: Sequence[Any], described: MethodDescription | None) -> list[tuple[str, Any]]:
    """Return positional arguments behind their names, as far as these are known."""
    by_position = (Passing.POSITION, Passing.EITHER)
    parameters = (None if described is None else described.parameters) or ()
    names = [each.name for each in parameters if each.passing in by_position]
    return [(names[place] if place < len(names) else "", arg) for place, arg in enumerate(args)]


def _secret_names(described: MethodDescription | None) -> set[str]:
    parameters = (None if described is None else described.parameters) or ()
    return {each.name for each in parameters if each.secret}


def _is_secret(name: str, secret: Collection[str]) -> bool:
    return name in secret or names_secret(name)


def _word(value: Any) -> str:
    return repr(value) if isinstance(value, str) else write_json(_shown(value), MAX_ARRAY)


def _shown(value: Any) -> Any:
    """Return a value without what is secret in its tables."""
    if isinstance(value, Mapping):
        return {
            name: _HIDDEN if names_secret(str(name)) else _shown(each)
            for name, each in value.items()
        }
    return [_shown(each) for each in value] if isinstance(value, list | tuple) else value
