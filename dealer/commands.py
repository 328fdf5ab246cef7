"""The commands of `dealer`: what each takes, asks, and prints."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from commandline import (
    DONE,
    FAILED,
    PARTLY,
    argument,
    command,
    flag,
    json_text,
    parsers_of,
    render_rows,
    say,
    tell,
    tell_text,
)
from dealer.advice import ADVICE, advice_for
from dealer.bankstates import ask_states, state_tables
from dealer.completion import SHELLS, CompletedCommand, read_command
from dealer.dealer import DEFAULT_TIMEOUT, Dealer
from dealer.errors import ConfigurationError, NoSuchPlayerError, PlayersError
from dealer.fanout import describe
from dealer.keptcontrol import KeptControl, control_file
from dealer.outcome import Outcome
from dealer.players import find_players
from dealer.progress import CallLine, ScanLine
from dealer.services import Services, open_hub
from groundwork import launch
from groundwork.loading import TargetError, load_target
from zmqjsonproxy import InterfaceDescription, PeerLostError
from zmqjsonproxy.keys import KeyRing
from zmqjsonproxy.parameters import summary
from zmqjsonproxy.resolver import NotResolvedError, scheme_of

__all__ = [
    "COMMANDS",
    "QUESTION_TIMEOUT",
    "address_of",
    "as_named",
    "banks_named",
    "complain",
    "described",
    "kept_control",
    "open_dealer",
    "read_value",
    "run_shell",
    "sentences",
]

QUESTION_TIMEOUT = 10.0
"""Of a command that asks, by default, s."""
_OBJECTS = {"rpc", "bank", "files", "control", "journal", "history", "alarms"}
"""Objects of a Player; what else stands before a dot is a part of its Bank."""
END_KEYS = ("SCANNUM", "SCANLEN", "DAQFITS")
LOOK_S = 2.0


def open_dealer(options: argparse.Namespace, timeout: float = QUESTION_TIMEOUT) -> Dealer:
    """Return the Dealer of a command line, with the control that its user has taken; its deadline,
    s, unless that has one."""
    d = Dealer(config=options.config, timeout=options.timeout or timeout)
    kept = kept_control().credentials()
    d.use_control({b: kept[p.url] for b, p in d.available_players.items() if p.url in kept})
    return d


def kept_control() -> KeptControl:
    """Return the control that all commands of this user have."""
    return KeptControl(control_file(os.environ))


def sentences(error: Exception) -> list[str]:
    """Return what went wrong, and who knows more."""
    return [str(error), *advice_for(error)]


def complain(error: Exception) -> None:
    """Say on standard error what went wrong, and who knows more."""
    for sentence in sentences(error):
        say("dealer", sentence)


# arguments


def read_value(text: str) -> Any:
    """Return what a word of the command line means: JSON, else the word itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _pair(text: str) -> tuple[str, Any]:
    name, found, value = text.partition("=")
    if not found or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is no NAME=VALUE")
    return name, read_value(value)


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):  # OverflowError: in UTC it is in no year from 1 to 9999
        raise argparse.ArgumentTypeError(f"{text!r} is no time as 2026-11-21T09:30:00") from None


def _arguments(words: Iterable[str]) -> tuple[list[Any], dict[str, Any]]:
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for word in words:
        name, found, value = word.partition("=")
        if found and name.isidentifier():
            kwargs[name] = read_value(value)
        else:
            args.append(read_value(word))
    return args, kwargs


def banks_named(text: str, known: Sequence[str]) -> list[str]:
    """Return the Banks that an argument BANKS means, `all` or `BANKA,BANKB`.

    Raises:
        NoSuchPlayerError: Some of them are not known.
    """
    if text == "all":
        return list(known)
    names = [as_named(word, known) for word in dict.fromkeys(text.split(","))]
    if unknown := [name for name in names if name not in known]:
        raise NoSuchPlayerError(unknown, known)
    return names


def as_named(word: str, banks: Iterable[str]) -> str:
    """Return the Bank that a word means: `banka` is BANKA, if no Bank is called so."""
    return word.upper() if word not in banks and word.upper() in banks else word


def address_of(word: str, config: str | None) -> str:
    """Return where the Player of a Bank is now; a word that is an address already is returned as it
    is.

    Raises:
        ConfigurationError: The file.
        NoSuchPlayerError: It has no such Bank.
        PeerLostError: The port manager that knows the Player by name does not answer, or knows
            none.
    """
    if ":" in word:
        return word
    bank, url = _player(word, config)
    locate = Services(KeyRing.load()).resolvers.get(scheme_of(url))
    try:
        return url if locate is None else locate(url, LOOK_S)
    except NotResolvedError as error:
        raise PeerLostError(url, bank, str(error)) from error


def _player(word: str, config: str | None) -> tuple[str, str]:
    """Return the Bank that a word means, and the URL of its Player; NoSuchPlayerError."""
    urls = find_players(None, config)
    bank = as_named(word, urls)
    if bank not in urls:
        raise NoSuchPlayerError([bank], list(urls))
    return bank, urls[bank]


# questions


def _list(options: argparse.Namespace) -> int:
    if options.bank is not None:
        return _list_methods(options)
    with open_dealer(options) as d:
        urls = {name: proxy.url for name, proxy in d.available_players.items()}
    tell(options.json, urls, render_rows((), urls.items()))
    return DONE


def _list_methods(options: argparse.Namespace) -> int:
    bank, url = _player(options.bank, options.config)
    with open_hub() as hub:
        found = describe(hub, {bank: url}, options.timeout or QUESTION_TIMEOUT)[bank]
    if not isinstance(found, InterfaceDescription):
        raise PlayersError("list", {bank: Outcome(bank, None, found)})
    methods = [found.methods[name] for name in sorted(found.methods)]
    told = {m.name: {"signature": m.signature, "doc": m.doc} for m in methods}
    tell(options.json, told, render_rows((), [(m.name, summary(m.doc)) for m in methods]))
    return DONE


def _status(options: argparse.Namespace) -> int:
    urls = find_players(None, options.config)
    with open_hub() as hub:
        states = ask_states(hub, urls, options.keys, options.timeout or QUESTION_TIMEOUT)
    told = {bank: state.describe() for bank, state in states.items()}
    tell(options.json, told, state_tables(states, options.keys))
    failed = [bank for bank, state in states.items() if state.error is not None]
    lacking = {
        bank: state.missing
        for bank, state in states.items()
        if state.error is None and state.missing
    }
    if failed:
        say("dealer", f"{', '.join(failed)} failed; {ADVICE}")
        advice = advice_for(*(states[bank].error for bank in failed))
        for line in advice[:-1]:  # the last one has been said
            say("dealer", line)
    for bank, missing in lacking.items():
        say("dealer", f"{bank} has no status key {', '.join(missing)}")
    return FAILED if failed or lacking else DONE


def _call(options: argparse.Namespace) -> int:
    args, kwargs = _arguments(options.args)
    method: str = options.method
    if "." in method and method.partition(".")[0] not in _OBJECTS:
        method = f"bank.{method}"
    reserved = sorted({"_banks", "_timeout"} & kwargs.keys())
    if reserved:
        raise ConfigurationError(
            "call", [f"{reserved[0]} is no argument of a Bank; there is the option --timeout"]
        )
    with open_dealer(options) as d:
        banks = banks_named(options.bank, d.list_available_players())
        with CallLine(d, banks, method):
            outcomes = d.outcomes(method, *args, _banks=banks, **kwargs)
    failed = {bank: o for bank, o in outcomes.items() if o.error is not None}
    if options.json:
        print(json_text({bank: described(outcome) for bank, outcome in outcomes.items()}))
    elif len(outcomes) == 1:
        for outcome in outcomes.values():
            if outcome.error is None:
                tell_text(_shown(outcome.value))
    elif len(failed) < len(outcomes):
        values = {bank: _inline(o.value) for bank, o in outcomes.items() if o.error is None}
        tell_text(render_rows((), values.items()))
    if failed:
        complain(PlayersError(options.method, outcomes))
    return FAILED if failed else DONE


def described(outcome: Outcome) -> dict[str, Any]:
    """Return what came of a call to one Bank, as JSON holds it."""
    if outcome.error is not None:
        return {"error": str(outcome.error), "kind": type(outcome.error).__name__}
    return {"value": outcome.value, "delay_s": round(outcome.delay_s, 6)}


def _shown(value: Any) -> str:
    """A value over as many lines as it likes; of (true, sentence) the sentence."""
    if (
        isinstance(value, tuple)
        and len(value) == 2
        and value[0] is True
        and isinstance(value[1], str)
    ):
        return value[1]
    if isinstance(value, dict) and value:
        return render_rows((), [(key, _inline(each)) for key, each in value.items()])
    if (
        isinstance(value, list | tuple)
        and value
        and not all(isinstance(each, int | float) for each in value)
    ):
        return "\n".join(_inline(each) for each in value)
    return _inline(value)


def _inline(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value, None, strict=False)


# a scan


def _scan(options: argparse.Namespace) -> int:
    with open_dealer(options, DEFAULT_TIMEOUT) as d:
        banks = banks_named(options.banks, d.list_available_players())
        d.add_active_player(*banks)
        d.remove_active_player(*(bank for bank in d.list_active_players() if bank not in banks))
        if options.mode is not None:
            with CallLine(d, banks, "set_mode"):
                d.set_mode(options.mode)
        if options.params:
            d.set_param(**dict(options.params))
        with CallLine(d, banks, "prepare"):
            d.prepare()
        started = d.start(options.start)
        if options.no_wait:
            _print_start(started, options.json)
            return DONE
        if not options.json:
            _print_start(started, False)
        line = ScanLine(d)
        error: PlayersError | None = None
        try:
            d.wait_for_scan(progress=line.show)
        except PlayersError as failed:
            error = failed
        except KeyboardInterrupt:
            line.clear()
            say("dealer", f"the scan goes on; `dealer call {','.join(banks)} stop` ends it")
            raise
        finally:
            line.clear()
        ends = _ends(d, banks, {} if error is None else error.failed)
    _print_ends(ends, options.json)
    if error is not None:
        complain(error)
    return max(
        (_EXIT.get(end["outcome"], FAILED) for end in ends.values()),
        key=(DONE, PARTLY, FAILED).index,
        default=DONE,
    )


_EXIT = {"done": DONE, "incomplete": PARTLY}
"""Outcome of a scan -> exit status; of all others FAILED. One Bank decides for all: FAILED before
PARTLY before DONE."""


def _ends(
    d: Dealer, banks: Sequence[str], failed: Mapping[str, Outcome]
) -> dict[str, dict[str, Any]]:
    """Bank -> what became of its scan: the report of a native Player, of others what their status
    says."""
    status = d.outcomes("get_status", _banks=banks, _timeout=LOOK_S)
    reports = d.scan_reports()
    ends: dict[str, dict[str, Any]] = {}
    for bank in banks:
        report, value = reports.get(bank), status[bank].value
        if report is None:
            end = {"outcome": "done", "warning": "not verified: its Player has no reports of scans"}
        elif report.error is not None:
            end = {"outcome": "unknown", "error": str(report.error)}
        else:
            end = dict(report.value)
        if bank in failed:
            end["outcome"] = (
                end["outcome"] if end["outcome"] in ("stopped", "aborted") else "failed"
            )
            end["error"] = str(failed[bank].error)
        known = value if isinstance(value, dict) else {}
        ends[bank] = end | {"status": {key: known[key] for key in END_KEYS if key in known}}
    return ends


def _print_start(started: Mapping[str, Any], as_json: bool) -> None:
    rows = [
        (bank, a[1] if isinstance(a, tuple) and len(a) == 2 else _inline(a))
        for bank, a in started.items()
    ]
    told = {bank: {"started": answer} for bank, answer in started.items()}
    tell(as_json, told, render_rows((), rows))


def _print_ends(ends: Mapping[str, dict[str, Any]], as_json: bool) -> None:
    keys = [key for key in END_KEYS if any(key in end["status"] for end in ends.values())]
    rows = [
        (bank, end["outcome"], _counted(end), *(end["status"].get(key, "-") for key in keys))
        for bank, end in ends.items()
    ]
    tell(as_json, ends, render_rows(("Bank", "scan", "recorded", *keys), rows))


def _counted(end: Mapping[str, Any]) -> str:
    recorded, planned = end.get("integrations"), end.get("planned")
    if recorded is None:
        return "-"
    return str(recorded) if planned is None else f"{recorded} of {planned}"


# the others; each has a module of its own


def _doctor(options: argparse.Namespace) -> int:
    from dealer.doctor import examine

    return examine(options.config, options.timeout or QUESTION_TIMEOUT).show(options.json)


def _stubs(options: argparse.Namespace) -> int:
    from dealer.stubs import stubs_of_players

    name = "array_types" if options.output is None else options.output.stem
    if not name.isidentifier() or (options.output is not None and options.output.suffix != ".py"):
        raise ConfigurationError(
            "stubs", [f"{options.output} is no name of a module, as array_types.py"]
        )
    text = stubs_of_players(options.config, options.timeout or QUESTION_TIMEOUT, name)
    if options.output is None:
        print(text, end="")
        return DONE
    try:
        options.output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            str(options.output), [f"cannot be written: {error.strerror}"]
        ) from error
    text = f"written: {options.output}; in a script: from {options.output.stem} import Dealer"
    tell(options.json, {"written": str(options.output)}, text)
    return DONE


def _completion(options: argparse.Namespace) -> int:
    print(SHELLS[options.shell](_programs()), end="")
    return DONE


def _programs() -> list[CompletedCommand]:
    """The commands of this distribution whose packages are installed, by the parsers that their
    modules build."""
    from importlib import import_module, metadata

    scripts = {"dealer": launch.dealer.module}
    with suppress(metadata.PackageNotFoundError):  # run from a copy of the sources
        found = metadata.distribution("dealer-player").entry_points.select(group="console_scripts")
        scripts |= {script.name: script.load().module for script in found}
    brought: list[
        argparse.ArgumentParser
    ] = []  # commands of `player` that come with kinds of Banks
    for entry in metadata.entry_points(group="dealer_player.commands"):
        with suppress(TargetError, AttributeError):
            brought.append(load_target(entry.value).build_parser("player"))
    programs: list[CompletedCommand] = []
    for name, path in scripts.items():
        try:
            own, *words = parsers_of(import_module(path))
        except ImportError:  # of an extra that is not installed
            continue
        others = [each for each in [*words, *brought] if each.prog.startswith(f"{name} ")]
        programs.append(read_command(own, others))
    return programs


def run_shell(options: argparse.Namespace) -> int:
    """Open the prompt."""
    from dealer.shell import run

    with open_dealer(options, DEFAULT_TIMEOUT) as d:
        run(d)
    return DONE


COMMANDS = (
    command(
        "list",
        _list,
        "names and addresses of the Players; the methods of one of them",
        argument("bank BANK", "list what this Bank can be asked instead", nargs="?"),
    ),
    command(
        "status",
        _status,
        "state of each Bank: mode and scan, or what its kind shows",
        argument("keys KEY", "status keys; default: a summary", nargs="*"),
    ),
    command(
        "call",
        _call,
        "call a method of a Bank and print its answer",
        argument("bank BANKS", "a Bank, several as BANKA,BANKB, or all"),
        argument("method METHOD", "of the Bank, as get_mode, or of a part, as valon.get_frequency"),
        argument(
            "args ARG",
            "JSON (1.5, true, null, [1, 2]), else text; NAME=VALUE is a keyword argument",
            nargs="*",
            default=[],
        ),
    ),
    command(
        "scan",
        _scan,
        "set a mode and parameters, prepare, start on all Banks or none, and wait for the end",
        argument("params NAME=VALUE", "parameters, as exposure=0.5", nargs="*", type=_pair),
        argument("--mode MODE", "set this mode first; default: the one that is set"),
        argument("--banks BANKS", "who takes part, as BANKA,BANKB; default: all", default="all"),
        argument(
            "--start TIME", "UTC, as 2026-11-21T09:30:00; default: as early as possible", type=_time
        ),
        flag("--no-wait", "return as soon as the start is agreed on"),
    ),
    command(
        "doctor",
        _doctor,
        "say what is wrong with the array, as seen from here, and what puts it right",
    ),
    command(
        "stubs",
        _stubs,
        "write a Python module with the types of what the Players have now",
        argument("-o --output FILE", "a .py file; default: standard output", type=Path),
    ),
    command(
        "completion",
        _completion,
        "print what a shell reads to complete the commands of this installation",
        argument("shell SHELL", "bash, fish or zsh", choices=sorted(SHELLS)),
        takes_common=False,
    ),
)
"""Commands without a module of their own."""
