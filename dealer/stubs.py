"""A Python module with the types of what Players export, for mypy and editors: text out of
descriptions.

What Players send is data: names, annotations and defaults are rebuilt from what is known to be
harmless (`dealer/stubtypes.py`), and documentation is quoted.
"""

from __future__ import annotations

import inspect
import keyword
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dealer.aio import AsyncBankProxy, AsyncDealer
from dealer.bank import BankProxy
from dealer.dealer import Dealer
from dealer.errors import PlayersError
from dealer.fanout import PAIR_METHODS, describe, fan_out
from dealer.outcome import Outcome
from dealer.players import find_players
from dealer.services import open_hub
from dealer.stubtypes import keywords_of, parameters_of, union_of
from zmqjsonproxy import InterfaceDescription, MethodDescription, ProxyError, ThreadHub
from zmqjsonproxy.parameters import NO_DEFAULT, MethodParameter, Passing

__all__ = ["BankInterface", "module_text", "stubs_of_players"]

HEAD = '''"""Types of the Players of an array, as they were when `dealer stubs` wrote this file.

In an observing script, instead of `from dealer import Dealer`: `from {name} import Dealer`, and AsyncDealer alike. When
it runs, that is the Dealer itself; mypy and editors see the methods that the Players have, and say which arguments are
wrong. Parameters of `set_param` are those of all modes; which mode has which, and their ranges, its documentation says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dealer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Literal, overload

    from dealer.aio import AsyncBankProxy
    from dealer.bank import BankProxy
    from zmqjsonproxy import AsyncProxyClient, ZMQJSONProxyClient
'''
TAIL = """else:
    Dealer, AsyncDealer = dealer.Dealer, dealer.AsyncDealer
"""
STRICT = "__getattr__: None  # type: ignore[assignment, misc]  # only what is listed"
CONTROL = "_timeout: float | None = None"
LONGEST = 108
PARTS = ("roach", "valon")


@dataclass(frozen=True, slots=True)
class BankInterface:
    """Exports of one Player.

    Attributes:
        methods: Of its Bank.
        parts: Part (`valon`) -> its methods.
        modes: Names that `set_mode` takes; empty: not known.
    """

    methods: Mapping[str, MethodDescription]
    parts: Mapping[str, Mapping[str, MethodDescription]] = field(default_factory=dict)
    modes: tuple[str, ...] = ()

    @property
    def parameters(self) -> dict[str, str]:
        """Name -> type of what `set_param` takes in some mode; empty: not known."""
        method = self.methods.get("set_param")
        return {} if method is None else keywords_of(method)


@dataclass(frozen=True, slots=True)
class _Kind:
    """The classes for callers that wait, or those for asyncio.

    Attributes:
        dealer: Of the library.
        bank: Its proxy of a Bank.
        part: Name of the class of its proxies of parts.
        prefix: Of names of the classes of Banks.
        define: How a method is defined.
    """

    dealer: type[Dealer] | type[AsyncDealer]
    bank: type[BankProxy] | type[AsyncBankProxy]
    part: str
    prefix: str
    define: str


KINDS = (
    _Kind(Dealer, BankProxy, "ZMQJSONProxyClient", "_Bank", "def"),
    _Kind(AsyncDealer, AsyncBankProxy, "AsyncProxyClient", "_AsyncBank", "async def"),
)


def stubs_of_players(
    config: str | os.PathLike[str] | None = None, timeout: float = 10.0, name: str = "array_types"
) -> str:
    """Ask all Players of a file what they export; the module.

    Args:
        config: As of a Dealer, or a port manager, `portmanager://HOST`.
        timeout: For all answers, s.
        name: Of the module.

    Raises:
        ConfigurationError: The file.
        PlayersError: Some Player does not answer; types of a part of the array would be taken for
            those of all.
    """
    urls = find_players(None, config)
    with open_hub() as hub:
        banks: dict[str, BankInterface] = {}
        outcomes: dict[str, Outcome] = {}
        modes = fan_out(hub, urls, "list_modes", (), {}, timeout)
        for bank, found in describe(hub, urls, timeout).items():
            if isinstance(found, InterfaceDescription):
                outcomes[bank] = Outcome(bank, found.instance)
                parts = [part for part in PARTS if f"bank.{part}" in found.objects]
                banks[bank] = BankInterface(
                    found.methods,
                    {p: _part(hub, urls[bank], p, timeout) for p in parts},
                    _names(modes[bank].value),
                )
            else:
                outcomes[bank] = Outcome(bank, None, found)
    if len(banks) < len(urls):
        raise PlayersError(
            "stubs",
            outcomes,
            "types are made of what Players say: start them, or use another --config",
        )
    return module_text(banks, name)


def _names(value: object) -> tuple[str, ...]:
    """The texts of a list; what a Player without modes says instead is none."""
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _part(hub: ThreadHub, url: str, part: str, timeout: float) -> Mapping[str, MethodDescription]:
    try:
        return hub.describe(url, f"bank.{part}", timeout).methods
    except ProxyError:  # gone in between: a part without methods, as the proxy shows it too
        return {}


# the module


def module_text(banks: Mapping[str, BankInterface], name: str = "array_types") -> str:
    """Return the module.

    Args:
        banks: Bank -> what its Player exports.
        name: Of the module, for its documentation.
    """
    lines: list[str] = []
    for kind in KINDS:
        class_of: dict[str, str] = {}
        written: list[tuple[BankInterface, str]] = []
        for bank, interface in banks.items():
            same = [cls for known, cls in written if known == interface]
            class_of[bank] = same[0] if same else f"{kind.prefix}{len(written)}"
            if not same:
                lines += _bank_class(kind, class_of[bank], interface)
                written.append((interface, class_of[bank]))
        lines += _dealer_class(kind, banks, class_of)
    body = "\n".join(f"    {line}".rstrip() for line in lines)
    return f"{HEAD.replace('{name}', name)}\n{body}\n{TAIL}"


def _bank_class(kind: _Kind, cls: str, interface: BankInterface) -> list[str]:
    lines: list[str] = []
    for part, methods in interface.parts.items():
        lines += [f"class {cls}_{part}({kind.part}):", f"    {STRICT}", ""]
        lines += _indented(_methods(kind, methods, dir(kind.bank), [CONTROL]))
    lines += [f"class {cls}({kind.bank.__name__}):", f"    {STRICT}", ""]
    for part in interface.parts:
        lines += ["    @property", f"    def {part}(self) -> {cls}_{part}: ...", ""]
    return lines + _indented(
        _methods(kind, interface.methods, dir(kind.bank), [CONTROL], known=interface)
    )


def _dealer_class(
    kind: _Kind, banks: Mapping[str, BankInterface], class_of: Mapping[str, str]
) -> list[str]:
    lines = [f"class {kind.dealer.__name__}(dealer.{kind.dealer.__name__}):", f"    {STRICT}", ""]
    names = list(dict.fromkeys(class_of.values()))
    if len(names) == 1:
        lines += [f"    def __getitem__(self, name: str) -> {names[0]}: ...", ""]
    elif names:
        proxy = kind.bank.__name__
        lines[-1:] = ['    # Banks differ: d["BANKA"] has what that very Bank has.', ""]
        for cls in names:
            literal = ", ".join(repr(bank) for bank, its in class_of.items() if its == cls)
            lines += [
                "    @overload",
                f"    def __getitem__(self, name: Literal[{literal}]) -> {cls}: ...",
            ]
        lines += ["    @overload", f"    def __getitem__(self, name: str) -> {proxy}: ..."]
        lines += [f"    def __getitem__(self, name: str) -> {proxy}: ...", ""]
    lines += [
        f"    {bank}: {cls}" for bank, cls in class_of.items() if _is_attribute(bank, kind.dealer)
    ]
    common = (
        set.intersection(*(set(interface.methods) for interface in banks.values()))
        if banks
        else set()
    )
    verbs: dict[str, MethodDescription] = {}
    for name in next(iter(banks.values())).methods if banks else ():
        if name in common:
            all_of_it = [interface.methods[name] for interface in banks.values()]
            agree = all(each.signature == all_of_it[0].signature for each in all_of_it)
            verbs[name] = all_of_it[0] if agree else MethodDescription(name, all_of_it[0].doc)
    control = [CONTROL, "_banks: Iterable[str] | None = None"]
    lines += _indented(_own_verbs(kind, list(banks.values())))
    return lines + _indented(_methods(kind, verbs, dir(kind.dealer), control, for_all=True))


def _is_attribute(bank: str, dealer_class: type) -> bool:
    """Return whether a Bank may be written `d.BANKA`."""
    return bank.isidentifier() and not keyword.iskeyword(bank) and not hasattr(dealer_class, bank)


def _shared(names: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return what all have; nothing if it is not known of one of them."""
    first, *others = names or [()]
    return tuple(name for name in first if all(name in other for other in others))


def _parameters_of_any(banks: Sequence[BankInterface]) -> dict[str, str]:
    """Name -> type of what some Bank takes, for who is asked is seen at run time; nothing if one
    says nothing."""
    said = [bank.parameters for bank in banks]
    types: dict[str, list[str]] = {}
    for parameters in said if all(said) else ():
        for name, text in parameters.items():
            types.setdefault(name, []).append(text)
    return {name: union_of(texts) for name, texts in types.items()}


def _own_verbs(kind: _Kind, banks: Sequence[BankInterface]) -> list[str]:
    """Verbs that every Dealer has, with the modes and parameters of these Banks: narrower than the
    Dealer's own."""
    told: dict[str, tuple[tuple[MethodParameter, ...], str]] = {}
    modes, parameters = _shared([bank.modes for bank in banks]), _parameters_of_any(banks)
    if modes:
        told["set_mode"] = (
            (
                _either("mode", "str", required=True),
                _either("bandwidth", "float | None", None),
                _either("force", "bool", False),
            ),
            "dict[str, Any]",
        )
    if parameters:
        of_one = _either("name", "str | None", None)
        told["set_param"] = (
            tuple(
                MethodParameter(name=name, passing=Passing.KEYWORD, annotation=text)
                for name, text in parameters.items()
            ),
            "dict[str, Any]",
        )
        told["get_param"] = (of_one,), "dict[str, Any]"
        told["help_param"] = (of_one,), "Any"
    methods: dict[str, MethodDescription] = {}
    for verb, (taken, returned) in told.items():
        doc = inspect.getdoc(getattr(kind.dealer, verb))
        if verb == "set_param" and all(
            bank.methods[verb] == banks[0].methods[verb] for bank in banks
        ):
            doc = banks[0].methods[verb].doc  # which says units and ranges
        methods[verb] = MethodDescription(verb, doc, parameters=taken, returns=returned)
    lines: list[str] = []
    for name, method in methods.items():
        text = _methods(kind, {name: method}, (), (), known=BankInterface(methods, {}, modes))
        text[0] += "  # type: ignore[override]  # only what these Banks take"
        lines += text
    return lines


def _either(
    name: str, annotation: str, default: Any = NO_DEFAULT, *, required: bool = False
) -> MethodParameter:
    return MethodParameter(
        name=name,
        passing=Passing.EITHER,
        annotation=annotation,
        default=default,
        required=required,
    )


def _narrowed(method: str, words: list[str], known: BankInterface | None) -> list[str]:
    """Parameters with the modes and the parameters' names that are known, instead of any text."""
    if known is None:
        return words
    if method == "set_mode" and known.modes:
        return [
            f"mode: {_literal(known.modes)}" if word.startswith("mode: ") else word
            for word in words
        ]
    if method in ("get_param", "help_param") and known.parameters:
        literal = f"name: {_literal(known.parameters)} | None = None"
        return [literal if word.startswith("name: ") else word for word in words]
    return words


def _literal(names: Iterable[str]) -> str:
    return f"Literal[{', '.join(map(repr, names))}]"


def _methods(
    kind: _Kind,
    methods: Mapping[str, MethodDescription],
    taken: Iterable[str],
    control: Sequence[str],
    *,
    for_all: bool = False,
    known: BankInterface | None = None,
) -> list[str]:
    """The lines of methods; those that the class has by itself stay as they are."""
    taken = set(taken)
    lines: list[str] = []
    for name, method in methods.items():
        if (
            name in taken
            or name.startswith("_")
            or not name.isidentifier()
            or keyword.iskeyword(name)
        ):
            continue
        parameters, returned = parameters_of(method, control)
        parameters = _narrowed(name, parameters, known)
        if for_all:
            # The answer for all Banks; of verbs that say [true, ...] a Dealer makes tuples.
            returned = f"dict[str, {'tuple[Any, ...]' if name in PAIR_METHODS else returned}]"
        head = f"{kind.define} {name}({', '.join(['self', *parameters])}) -> {returned}:"
        if len(head) > LONGEST:
            words = [f"    {word}," for word in ["self", *parameters]]
            head = "\n".join([f"{kind.define} {name}(", *words, f") -> {returned}:"])
        lines += [*head.splitlines(), *_quoted(method.doc), ""]
    return lines


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}".rstrip() for line in lines]


def _quoted(doc: str | None) -> list[str]:
    if not doc:
        return ["    ..."]
    first, *others = doc.expandtabs().strip().splitlines() or [""]
    text = [first.strip(), *(line.rstrip() for line in others)]
    text = [
        "".join(c for c in line if c.isprintable()).replace("\\", "\\\\").replace('"', '\\"')
        for line in text
    ]
    quotes = '"""'
    if len(text) == 1:
        return [f"    {quotes}{text[0]}{quotes}", "    ..."]
    margin = min((len(line) - len(line.lstrip()) for line in text[1:] if line.strip()), default=0)
    inner = [f"    {line[margin:]}".rstrip() for line in text[1:]]
    return [f"    {quotes}{text[0]}", *inner, f"    {quotes}", "    ..."]
