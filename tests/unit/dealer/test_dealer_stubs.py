"""The module that `dealer stubs` writes: types of what descriptions say, and nothing that could do
harm."""

from __future__ import annotations

import ast

import pytest
from support.descriptions import described

from dealer.stubs import BankInterface, module_text
from zmqjsonproxy import MethodDescription
from zmqjsonproxy.parameters import MethodParameter, Passing


def module_of(method: MethodDescription) -> str:
    text = module_text({"BANKA": BankInterface({method.name: method})})
    ast.parse(text)
    return text


def function_of(text: str, cls: str, name: str) -> str:
    """`name(...) -> ...` of a class in the module, without its body."""
    (block,) = [node for node in ast.parse(text).body if isinstance(node, ast.If)]
    (found,) = [node for node in block.body if isinstance(node, ast.ClassDef) and node.name == cls]
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    (function,) = [node for node in found.body if isinstance(node, kinds) and node.name == name]
    return (
        f"({ast.unparse(function.args)}) -> {ast.unparse(function.returns or ast.Constant(None))}"
    )


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        (
            "(x: 'float', *, n: 'int' = 2) -> 'list[float]'",
            "(self, x: float, *, n: int=2, {}) -> list[float]",
        ),
        ("(x: float = None)", "(self, x: float | None=None, *, {}) -> Any"),
        ("(a, /, b)", "(self, a: Any, /, b: Any, *, {}) -> Any"),
        ("(*args: int, **more: 'Any') -> None", "(self, *args: int, {}, **more: Any) -> None"),
        (
            "(m: \"Literal['A', 'B']\") -> 'tuple[int, int]'",
            "(self, m: Literal['A', 'B'], *, {}) -> list[int]",
        ),
        (
            "(a: Optional[dict], b: Union[int, str])",
            "(self, a: dict[str, Any] | None, b: int | str, *, {}) -> Any",
        ),
        ("(a: numpy.ndarray, b: 'os.system') -> 'Path'", "(self, a: Any, b: Any, *, {}) -> Any"),
        ("(s: 'collections.abc.Sequence[int]')", "(self, s: Sequence[int], *, {}) -> Any"),
        ("(t: 'tuple[int, ...] | None')", "(self, t: tuple[int, ...] | None, *, {}) -> Any"),
        (
            "(t: 'tuple[()]', u: 'Union[()]') -> 'tuple[()]'",
            "(self, t: tuple[()], u: Any, *, {}) -> list[Any]",
        ),
        ("(x=print)", "(self, x: Any=..., *, {}) -> Any"),
        ("(x: 'import os', y: 'os.system(1)')", "(self, x: Any, y: Any, *, {}) -> Any"),
    ],
)
def test_signatures_are_rebuilt_from_what_is_harmless(signature: str, expected: str) -> None:
    control = "_timeout: float | None=None"
    text = module_of(described("sweep", None, signature))
    assert function_of(text, "_Bank0", "sweep") == expected.format(control)


@pytest.mark.parametrize(
    "parameters",
    [
        None,
        (MethodParameter(name="x", passing=Passing.EITHER, annotation="|".join(["int"] * 500)),),
        (MethodParameter(name="x", passing=Passing.EITHER, annotation="(" * 5000),),
    ],
    ids=["not known", "a type without end", "brackets"],
)
def test_what_cannot_be_read_takes_anything(parameters: tuple[MethodParameter, ...] | None) -> None:
    text = module_of(MethodDescription("sweep", parameters=parameters))
    assert ": Any" in function_of(text, "_Bank0", "sweep")


def test_a_dealer_answers_for_each_bank() -> None:
    text = module_of(described("sweep", None, "(x: float) -> int"))
    assert function_of(text, "Dealer", "sweep") == (
        "(self, x: float, *, _timeout: float | None=None, _banks: Iterable[str] | None=None) -> dict[str, int]"
    )


DOCUMENTATION = [
    'Ends in a quote"',
    '"""\nimport os',
    "back\\slash \\",
    "two\n\n    lines\x00\n  x",
    "",
]


@pytest.mark.parametrize("doc", DOCUMENTATION)
def test_documentation_cannot_leave_its_quotes(doc: str) -> None:
    text = module_of(MethodDescription("sweep", doc, parameters=()))
    imported = [
        node.names[0].name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import)
    ]
    assert imported == ["dealer"]


@pytest.mark.parametrize("name", ["class", "a b", "_hidden", "x(): pass\n", "close"])
def test_names_that_are_none_or_taken_are_left_out(name: str) -> None:
    assert f"def {name}" not in module_of(MethodDescription(name, parameters=()))


def test_banks_that_differ_have_types_of_their_own() -> None:
    one, other = (
        described("sweep", None, "(x: int)"),
        described("sweep", None, "(y: str)"),
    )
    only = described("only", None, "()")
    banks = {
        "A": BankInterface({"sweep": one}),
        "B": BankInterface({"sweep": other, "only": only}),
        "C": BankInterface({"sweep": one}),
    }
    text = module_text(banks)
    ast.parse(text)
    assert "def __getitem__(self, name: Literal['A', 'C']) -> _Bank0: ..." in text
    assert "def __getitem__(self, name: Literal['B']) -> _Bank1: ..." in text
    assert function_of(text, "Dealer", "sweep").startswith("(self, *args: Any, _timeout")
    assert text.count(" def only") == 2  # a Dealer has what all Banks have


def bank(set_param: str, modes: tuple[str, ...] = ()) -> BankInterface:
    methods = {
        name: described(name, None, signature)
        for name, signature in {
            "set_mode": "(mode: 'str | None', force: 'bool' = False)",
            "set_param": set_param,
            "get_param": "(name: 'str | None' = None)",
        }.items()
    }
    return BankInterface(methods, {}, modes)


ANY = "(**kvpairs: 'Any') -> 'bool'"
CONTROL = "_timeout: float | None=None"


def test_modes_and_parameters_are_those_that_the_banks_say() -> None:
    one = bank(
        "(*, dm: 'float' = ..., exposure: 'float | Sequence[float]' = ...) -> 'bool'", ("A", "B")
    )
    other = bank(
        "(*, dm: 'float' = ..., tau: \"Literal['X'] | Literal['Y', 'X']\" = ...) -> 'bool'",
        ("C", "B"),
    )
    text = module_text({"X": one, "Y": other})
    for prefix in ("", "Async"):
        set_mode = function_of(text, f"_{prefix}Bank0", "set_mode")
        assert set_mode.startswith("(self, mode: Literal['A', 'B'], force: bool=False")
        tau = "tau: Literal['X'] | Literal['Y', 'X']=..."
        expected = f"(self, *, dm: float=..., {tau}, {CONTROL}) -> bool"
        assert function_of(text, f"_{prefix}Bank1", "set_param") == expected
        assert "name: Literal['dm', 'exposure'] | None=None" in function_of(
            text, f"_{prefix}Bank0", "get_param"
        )
        dealer = f"{prefix}Dealer"
        assert function_of(text, dealer, "set_mode").startswith(
            "(self, mode: Literal['B'], bandwidth"
        )
        all_of_them = f"dm: float=..., exposure: float | Sequence[float]=..., {tau}"
        assert (
            function_of(text, dealer, "set_param") == f"(self, *, {all_of_them}) -> dict[str, Any]"
        )
        assert "name: Literal['dm', 'exposure', 'tau'] | None" in function_of(
            text, dealer, "get_param"
        )


def test_parameters_of_a_bank_that_says_nothing_may_be_any() -> None:
    one, silent = bank("(*, dm: 'float' = ...) -> 'bool'"), bank(ANY)
    text = module_text({"X": one, "Y": silent, "Z": BankInterface({})})
    assert (
        function_of(text, "_Bank1", "set_param") == f"(self, *, {CONTROL}, **kvpairs: Any) -> bool"
    )
    (block,) = [node for node in ast.parse(text).body if isinstance(node, ast.If)]
    dealers = next(
        node for node in block.body if isinstance(node, ast.ClassDef) and node.name == "Dealer"
    )
    assert "set_param" not in [
        node.name for node in dealers.body if isinstance(node, ast.FunctionDef)
    ]


def test_a_dealer_of_like_banks_says_of_parameters_what_the_banks_say() -> None:
    told = described(
        "set_param", "Keywords:\n    dm: Dispersion, pc/cm3; 0 to 1.", "(*, dm: float = ...)"
    )
    text = module_text(
        {"X": BankInterface({"set_param": told}), "Y": BankInterface({"set_param": told})}
    )
    assert (
        text.count("Dispersion, pc/cm3; 0 to 1.") == 4
    )  # a Bank and the Dealer, both for asyncio too
