"""A Python module with the types of what Players export, for mypy and editors: text out of descriptions.

What Players send is data: names, annotations and defaults are rebuilt from what is known to be harmless, and
documentation is quoted.
"""

from __future__ import annotations

import ast
import inspect
import keyword
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dealer.bank import BankProxy
from dealer.dealer import Dealer
from dealer.errors import PlayersError
from dealer.fanout import PAIR_METHODS, describe, fan_out
from dealer.outcome import Outcome
from dealer.players import find_players
from dealer.services import Services
from zmqjsonproxy.errors import ProxyError
from zmqjsonproxy.rpc.hub import Hub, InterfaceDescription, MethodDescription

__all__ = ["BankInterface", "module_text", "stubs_of_players"]

HEAD = '''"""Types of the Players of an array, as they were when `dealer stubs` wrote this file.

In an observing script, instead of `from dealer import Dealer`: `from {name} import Dealer`. When it runs, that is the
Dealer itself; mypy and editors see the methods that the Players have, and say which arguments are wrong. Parameters of
`set_param` are those of the mode that was set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dealer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Literal, overload

    from dealer.bank import BankProxy
    from zmqjsonproxy import ZMQJSONProxyClient
'''
TAIL = """else:
    Dealer = dealer.Dealer
"""
STRICT = "__getattr__: None  # type: ignore[assignment, misc]  # only what is listed"
CONTROL = "_timeout: float | None = None"
PLAIN = frozenset({"Any", "None", "bool", "bytes", "float", "int", "object", "str"})
COMPLETED = {
    "dict": "dict[str, Any]", "Mapping": "Mapping[str, Any]", "list": "list[Any]", "Sequence": "Sequence[Any]",
    "Iterable": "Iterable[Any]", "tuple": "tuple[Any, ...]", "set": "set[Any]",
}  # fmt: skip
ARRAYS = frozenset({"list", "tuple", "set", "frozenset", "Sequence", "Iterable"})
LONGEST = 108
PARTS = ("roach", "valon")


@dataclass(frozen=True, slots=True)
class BankInterface:
    """What one Player exports.

    Attributes:
        methods: Of its Bank.
        parts: Part (`valon`) -> its methods.
        modes: Names that `set_mode` takes; empty: not known.
        parameters: Names that `set_param` takes in the mode that is set; empty: not known, or no mode is set.
    """

    methods: Mapping[str, MethodDescription]
    parts: Mapping[str, Mapping[str, MethodDescription]] = field(default_factory=dict)
    modes: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()


def stubs_of_players(
    config: str | os.PathLike[str] | None = None, timeout: float = 10.0, name: str = "array_types"
) -> str:
    """Ask all Players of a file what they export; the module.

    Args:
        config: As of a Dealer.
        timeout: For all answers, s.
        name: Of the module.

    Raises:
        ConfigurationError: The file.
        PlayersError: Some Player does not answer; types of a part of the array would be taken for those of all.
    """
    urls = find_players(None, config)
    with Hub(locators=Services().locators) as hub:
        banks: dict[str, BankInterface] = {}
        outcomes: dict[str, Outcome] = {}
        modes = fan_out(hub, urls, "list_modes", (), {}, timeout)
        helps = fan_out(hub, urls, "help_param", (), {}, timeout)
        for bank, found in describe(hub, urls, timeout).items():
            if isinstance(found, InterfaceDescription):
                outcomes[bank] = Outcome(bank, found.instance)
                parts = [part for part in PARTS if f"bank.{part}" in found.objects]
                banks[bank] = BankInterface(
                    found.methods, {p: _part(hub, urls[bank], p, timeout) for p in parts},
                    _names(modes[bank].value), tuple(n for n in _names(helps[bank].value) if _is_name(n)),
                )  # fmt: skip
            else:
                outcomes[bank] = Outcome(bank, None, found)
    if len(banks) < len(urls):
        raise PlayersError("stubs", outcomes, "types are made of what Players say: start them, or use another --config")
    return module_text(banks, name)


def _names(value: object) -> tuple[str, ...]:
    """The texts of a list, or the keys of a table; what a Player without modes says instead is none."""
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list | dict) else ()


def _is_name(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")


def _part(hub: Hub, url: str, part: str, timeout: float) -> Mapping[str, MethodDescription]:
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
    class_of = {bank: f"_Bank{n}" for n, bank in enumerate(banks)}
    written: list[tuple[BankInterface, str]] = []
    for bank, interface in banks.items():
        same = [cls for known, cls in written if known == interface]
        if same:
            class_of[bank] = same[0]
            continue
        lines += _bank_class(class_of[bank], interface)
        written.append((interface, class_of[bank]))
    lines += _dealer_class(banks, class_of)
    body = "\n".join(f"    {line}".rstrip() for line in lines)
    return f"{HEAD.replace('{name}', name)}\n{body}\n{TAIL}"


def _bank_class(cls: str, interface: BankInterface) -> list[str]:
    lines: list[str] = []
    for part, methods in interface.parts.items():
        lines += [f"class {cls}_{part}(ZMQJSONProxyClient):", f"    {STRICT}", ""]
        lines += _indented(_methods(methods, dir(BankProxy), [CONTROL]))
    lines += [f"class {cls}(BankProxy):", f"    {STRICT}", ""]
    for part in interface.parts:
        lines += ["    @property", f"    def {part}(self) -> {cls}_{part}: ...", ""]
    return lines + _indented(_methods(interface.methods, dir(BankProxy), [CONTROL], known=interface))


def _dealer_class(banks: Mapping[str, BankInterface], class_of: Mapping[str, str]) -> list[str]:
    lines = ["class Dealer(dealer.Dealer):", f"    {STRICT}", ""]
    names = sorted(set(class_of.values()), key=list(class_of.values()).index)
    if len(names) == 1:
        lines += [f"    def __getitem__(self, name: str) -> {names[0]}: ...", ""]
    elif names:
        lines[-1:] = ["    # Banks differ: d[\"BANKA\"] has what that very Bank has.", ""]
        for cls in names:
            literal = ", ".join(repr(bank) for bank, its in class_of.items() if its == cls)
            lines += ["    @overload", f"    def __getitem__(self, name: Literal[{literal}]) -> {cls}: ..."]
        lines += ["    @overload", "    def __getitem__(self, name: str) -> BankProxy: ..."]
        lines += ["    def __getitem__(self, name: str) -> BankProxy: ...", ""]
    common = set.intersection(*(set(interface.methods) for interface in banks.values())) if banks else set()
    verbs: dict[str, MethodDescription] = {}
    for name in next(iter(banks.values())).methods if banks else ():
        if name in common:
            all_of_it = [interface.methods[name] for interface in banks.values()]
            agree = all(each.signature == all_of_it[0].signature for each in all_of_it)
            verbs[name] = all_of_it[0] if agree else MethodDescription(name, all_of_it[0].doc)
    control = [CONTROL, "_banks: Iterable[str] | None = None"]
    modes, parameters = (_shared([getattr(i, what) for i in banks.values()]) for what in ("modes", "parameters"))
    lines += _indented(_own_verbs(BankInterface({}, {}, modes, parameters)))
    return lines + _indented(_methods(verbs, dir(Dealer), control, for_all=True))


def _shared(names: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """What all have; nothing if it is not known of one of them."""
    first, *others = names or [()]
    return tuple(name for name in first if all(name in other for other in others))


def _own_verbs(known: BankInterface) -> list[str]:
    """Verbs that every Dealer has, with the modes and parameters of these Banks: narrower than the Dealer's own."""
    verbs: dict[str, str] = {}
    if known.modes:
        verbs["set_mode"] = "(mode: str, bandwidth: float | None = None, force: bool = False) -> 'dict[str, Any]'"
    if known.parameters:
        verbs["set_param"] = "(**kvpairs: Any) -> 'dict[str, Any]'"
        verbs["get_param"] = "(name: str | None = None) -> 'dict[str, Any]'"
        verbs["help_param"] = "(name: str | None = None) -> Any"
    lines: list[str] = []
    for name, signature in verbs.items():
        doc = inspect.getdoc(getattr(Dealer, name))
        text = _methods({name: MethodDescription(name, doc, signature)}, (), (), known=known)
        text[0] += "  # type: ignore[override]  # only what these Banks take"
        lines += text
    return lines


def _narrowed(method: str, words: list[str], known: BankInterface | None) -> list[str]:
    """Parameters with the modes and the parameters' names that are known, instead of any text."""
    if known is None:
        return words
    if method == "set_mode" and known.modes:
        return [f"mode: {_literal(known.modes)}" if word.startswith("mode: ") else word for word in words]
    if method in ("get_param", "help_param") and known.parameters:
        literal = f"name: {_literal(known.parameters)} | None = None"
        return [literal if word.startswith("name: ") else word for word in words]
    if method == "set_param" and known.parameters:
        kept = [word for word in words if not word.startswith("**")]
        return [*kept, *([] if "*" in kept else ["*"]), *(f"{name}: Any = ..." for name in known.parameters)]
    return words


def _literal(names: Iterable[str]) -> str:
    return f"Literal[{', '.join(map(repr, names))}]"


def _methods(
    methods: Mapping[str, MethodDescription], taken: Iterable[str], control: Sequence[str], *,
    for_all: bool = False, known: BankInterface | None = None,
) -> list[str]:  # fmt: skip
    """The lines of methods; those that the class has by itself stay as they are."""
    taken = set(taken)
    lines: list[str] = []
    for name, method in methods.items():
        if name in taken or name.startswith("_") or not name.isidentifier() or keyword.iskeyword(name):
            continue
        parameters, returned = _signature(method.signature, control)
        parameters = _narrowed(name, parameters, known)
        if for_all:
            # The answer for all Banks; of verbs that say [true, ...] a Dealer makes tuples.
            returned = f"dict[str, {'tuple[Any, ...]' if name in PAIR_METHODS else returned}]"
        head = f"def {name}({', '.join(['self', *parameters])}) -> {returned}:"
        if len(head) > LONGEST:
            head = "\n".join([f"def {name}(", *(f"    {word}," for word in ["self", *parameters]), f") -> {returned}:"])
        lines += [*head.splitlines(), *_quoted(method.doc), ""]
    return lines


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}".rstrip() for line in lines]


def _quoted(doc: str | None) -> list[str]:
    if not doc:
        return ["    ..."]
    first, *others = doc.expandtabs().strip().splitlines() or [""]
    text = [first.strip(), *(line.rstrip() for line in others)]
    text = ["".join(c for c in line if c.isprintable()).replace("\\", "\\\\").replace('"', '\\"') for line in text]
    quotes = '"""'
    if len(text) == 1:
        return [f"    {quotes}{text[0]}{quotes}", "    ..."]
    margin = min((len(line) - len(line.lstrip()) for line in text[1:] if line.strip()), default=0)
    inner = [f"    {line[margin:]}".rstrip() for line in text[1:]]
    return [f"    {quotes}{text[0]}", *inner, f"    {quotes}", "    ..."]


# signatures


def _signature(text: str, control: Sequence[str]) -> tuple[list[str], str]:
    """Parameters and the type of the answer; what cannot be read takes and answers anything."""
    try:
        tree = ast.parse(f"def f{text}: ...").body[0]
    except (SyntaxError, ValueError, RecursionError):
        tree = None
    if not isinstance(tree, ast.FunctionDef):
        return ["*args: Any", *control, "**kwargs: Any"], "Any"
    a = tree.args
    positional = [*a.posonlyargs, *a.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(a.defaults)) + list(a.defaults)
    words: list[str] = []
    for n, (argument, default) in enumerate(zip(positional, defaults, strict=True), start=1):
        words.append(_parameter(argument, default))
        if n == len(a.posonlyargs):
            words.append("/")
    if a.vararg is not None or a.kwonlyargs or control:
        words.append("*" if a.vararg is None else f"*{a.vararg.arg}: {_type(a.vararg.annotation)}")
    words += [_parameter(argument, default) for argument, default in zip(a.kwonlyargs, a.kw_defaults, strict=True)]
    given = {argument.arg for argument in [*positional, *a.kwonlyargs]}
    words += [word for word in control if word.partition(":")[0] not in given]
    if a.kwarg is not None:
        words.append(f"**{a.kwarg.arg}: {_type(a.kwarg.annotation)}")
    return words, _type(tree.returns, answered=True)


def _parameter(argument: ast.arg, default: ast.expr | None) -> str:
    text = f"{argument.arg}: {_type(argument.annotation)}"
    if default is None:
        return text
    try:
        value = ast.literal_eval(default)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return f"{text} = ..."
    if value is None and not text.endswith(("Any", "object", "None")):
        text += " | None"
    return f"{text} = {value!r}"


def _type(annotation: ast.expr | None, *, answered: bool = False) -> str:
    """An annotation in names that the module knows; Any for what is not known there.

    Args:
        annotation: As the Player sent it; text in it is read as an annotation.
        answered: Of an answer: arrays of JSON arrive as lists.
    """
    match annotation:
        case ast.Constant(value=None):
            return "None"
        case ast.Constant(value=str() as text):
            try:
                return _type(ast.parse(text, mode="eval").body, answered=answered)
            except (SyntaxError, ValueError, RecursionError):
                return "Any"
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union([_type(left, answered=answered), _type(right, answered=answered)])
        case ast.Name(id=name) | ast.Attribute(attr=name):
            if answered and name in ARRAYS:
                return "list[Any]"
            return name if name in PLAIN else COMPLETED.get(name, "Any")
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            return _subscript(name, inner.elts if isinstance(inner, ast.Tuple) else [inner], answered=answered)
        case _:
            return "Any"


def _subscript(name: str, inner: Sequence[ast.expr], *, answered: bool) -> str:
    if name == "Literal":
        values = [each.value for each in inner if isinstance(each, ast.Constant)]
        whole = len(values) == len(inner) and all(isinstance(v, str | int | bool | None) for v in values)
        return f"Literal[{', '.join(map(repr, values))}]" if whole else "Any"
    more = bool(inner) and isinstance(inner[-1], ast.Constant) and inner[-1].value is Ellipsis
    types = [_type(each, answered=answered) for each in (inner[:-1] if more else inner)]
    if name == "Optional" and len(types) == 1:
        return _union([*types, "None"])
    if name == "Union":
        return _union(types)
    if answered and name in ARRAYS:
        same = set(types)
        return f"list[{same.pop() if len(same) == 1 else 'Any'}]"
    if name == "tuple":
        return f"tuple[{', '.join([*types, '...'] if more else types)}]"
    if name in ("dict", "Mapping") and len(types) == 2:
        return f"{name}[{types[0]}, {types[1]}]"
    if name in ("list", "set", "Sequence", "Iterable") and len(types) == 1:
        return f"{name}[{types[0]}]"
    return COMPLETED.get(name, "Any")


def _union(types: Sequence[str]) -> str:
    """Anything may be Any; otherwise each of them once."""
    members = list(dict.fromkeys(member for text in types for member in text.split(" | ")))
    if any("[" in text and " | " in text for text in types):  # split inside brackets: keep them whole
        members = list(dict.fromkeys(types))
    return "Any" if "Any" in members else " | ".join(members)
