"""Completion files for bash, zsh and fish: text out of argparse parsers. Reads no configuration and
runs nothing.

What may stand for an argument follows from its metavar: `BANK` and `BANKS` are Banks, `METHOD` is
of the Bank before, `PROPERTY` is of any Bank, `FILE`, `EXE` and `DIR` are paths. Names of Banks and
methods are asked of `dealer list`, those of properties of `dealer properties`, when they are needed;
Banks are those that `dealer.players` finds, whether they answer or not.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

__all__ = [
    "SHELLS",
    "CompletedArgument",
    "CompletedCommand",
    "CompletedOption",
    "CompletionKind",
    "bash",
    "fish",
    "read_command",
    "zsh",
]


class CompletionKind(Enum):
    """Kind of what is completed in the place of an argument."""

    NOTHING = "nothing"
    WORDS = "words"
    BANK = "bank"
    BANKS = "banks"
    METHOD = "method"
    PROPERTY = "property"
    FILE = "file"
    FOLDER = "folder"


KIND_OF = {
    "BANK": CompletionKind.BANK,
    "BANKS": CompletionKind.BANKS,
    "STATE": CompletionKind.BANK,
    "METHOD": CompletionKind.METHOD,
    "PROPERTY": CompletionKind.PROPERTY,
    "PROPERTY=VALUE": CompletionKind.PROPERTY,
    "FILE": CompletionKind.FILE,
    "EXE": CompletionKind.FILE,
    "DIR": CompletionKind.FOLDER,
}


@dataclass(frozen=True, slots=True)
class CompletedArgument:
    """Argument in one place.

    Attributes:
        name: As the help calls it.
        kind: What can be there.
        words: All of them, if it is `WORDS`.
        is_last: It takes all words that follow.
    """

    name: str
    kind: CompletionKind
    words: tuple[str, ...] = ()
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class CompletedOption:
    """An option; `value` is None for a switch."""

    names: tuple[str, ...]
    help: str
    value: CompletedArgument | None


@dataclass(frozen=True, slots=True)
class CompletedCommand:
    """A program or one of its commands."""

    name: str
    help: str
    options: tuple[CompletedOption, ...]
    arguments: tuple[CompletedArgument, ...]
    commands: tuple[CompletedCommand, ...] = ()

    def places(self) -> tuple[CompletedArgument, ...]:
        """Return its arguments; if it has none, but commands, these are one."""
        names = tuple(each.name for each in self.commands)
        chosen = (CompletedArgument("COMMAND", CompletionKind.WORDS, names),) if names else ()
        return self.arguments or chosen

    def walk(self, path: str = "") -> Iterator[tuple[str, CompletedCommand]]:
        """Each command with its words from the program on: `dealer call`."""
        path = f"{path} {self.name}".strip()
        yield path, self
        for each in self.commands:
            yield from each.walk(path)


def read_command(
    parser: argparse.ArgumentParser, others: Iterable[argparse.ArgumentParser] = ()
) -> CompletedCommand:
    """Return what a parser takes.

    Args:
        parser: Of the program.
        others: Of commands that the program parts off by itself; their `prog` is `PROGRAM COMMAND`.
    """
    options: list[CompletedOption] = []
    arguments: list[CompletedArgument] = []
    commands: list[CompletedCommand] = []
    formatter = parser._get_formatter()
    for action in parser._actions:
        text = (
            formatter._expand_help(action) if action.help not in (None, argparse.SUPPRESS) else ""
        )
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, each in action.choices.items():
                inner = read_command(each)
                commands.append(replace(inner, name=name, help=helps.get(name) or inner.help))
        elif action.option_strings:
            value = None if action.nargs == 0 else _argument(action)
            options.append(CompletedOption(tuple(action.option_strings), text, value))
        else:
            arguments.append(_argument(action))
    commands += [replace(read_command(each), name=each.prog.split()[-1]) for each in others]
    return CompletedCommand(
        parser.prog, parser.description or "", tuple(options), tuple(arguments), tuple(commands)
    )


def _argument(action: argparse.Action) -> CompletedArgument:
    name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if action.choices is not None:
        return CompletedArgument(
            name, CompletionKind.WORDS, tuple(map(str, action.choices)), action.nargs in ("*", "+")
        )
    if name.islower():  # a metavar in lower case is the word itself
        return CompletedArgument(name, CompletionKind.WORDS, (name,))
    return CompletedArgument(
        name, KIND_OF.get(name, CompletionKind.NOTHING), (), action.nargs in ("*", "+")
    )


def _function(path: str) -> str:
    return "_" + re.sub(r"\W", "_", path)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _short(text: str) -> str:
    """One line, without what the shells read as marks of their own."""
    return re.sub(r"[\[\]:\\`$\"']", " ", " ".join(text.split())).strip()


# bash

BASH_HEAD = """# Completion for bash; made by `dealer completion bash`.

_dealer_player_banks() {
    dealer ${config:+--config "${config/#\\~/$HOME}"} list 2>/dev/null | cut -d ' ' -f 1
}

_dealer_player_methods() {
    dealer ${config:+--config "${config/#\\~/$HOME}"} list "${1%%,*}" --timeout 2 2>/dev/null | cut -d ' ' -f 1
}

_dealer_player_properties() {  # compgen expands words as the shell does: only harmless ones
    dealer ${config:+--config "${config/#\\~/$HOME}"} properties --names --timeout 2 2>/dev/null \\
        | grep -x '[[:alnum:]_.:-]*'
}

_dealer_player_reply() {  # KIND WORDS: what can stand where the cursor is
    local before=
    case $1 in
        words) mapfile -t COMPREPLY < <(compgen -W "$2" -- "$cur") ;;
        bank) mapfile -t COMPREPLY < <(compgen -W "$(_dealer_player_banks) $2" -- "$cur") ;;
        banks)
            [[ $cur == *,* ]] && before=${cur%,*},
            mapfile -t COMPREPLY < <(compgen -P "$before" -W "$(_dealer_player_banks) all" -- "${cur##*,}")
            ;;
        method) mapfile -t COMPREPLY < <(compgen -W "$(_dealer_player_methods "$bank")" -- "$cur") ;;
        property) mapfile -t COMPREPLY < <(compgen -W "$(_dealer_player_properties) $2" -- "$cur") ;;
        file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "${cur/#\\~/$HOME}") ;;
        folder) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "${cur/#\\~/$HOME}") ;;
    esac
}
"""
BASH_COMMAND = """
{function}() {{
    # Words are parted by hand: bash parts them at = and : too.
    local line=${{COMP_LINE:0:COMP_POINT}} path={name} config= bank= option= position=0 cur= word
    local -a words
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] || {{ cur=${{words[-1]}}; unset 'words[-1]'; }}
    for word in "${{words[@]:1}}"; do
        if [[ -n $option ]]; then
            [[ $option == --config ]] && config=$word
            option=
            continue
        fi
        case $word in
            --config=*) config=${{word#*=}} ;;
            -*) case "$path $word" in {with_value}) option=$word ;; esac ;;
            *)
                case "$path $word" in
                    {commands}) path="$path $word" position=0 ;;
                    *) ((position++)) || bank=$word ;;
                esac
                ;;
        esac
    done
    COMPREPLY=()
    if [[ -z $option && $cur == --*=* ]]; then
        option=${{cur%%=*}} cur=${{cur#*=}}
    fi
    if [[ -n $option ]]; then
        case "$path $option" in
{values}
        esac
    elif [[ $cur == -* ]]; then
        case $path in
{options}
        esac
    else
        case "$path $position" in
{positions}
        esac
    fi
}}
complete -F {function} {name}
"""


def bash(commands: Sequence[CompletedCommand]) -> str:
    """Return a file that bash reads with `source`."""
    return BASH_HEAD + "".join(_bash_command(command) for command in commands)


def _bash_command(program: CompletedCommand) -> str:
    with_value: list[str] = []
    values: dict[str, list[str]] = {}
    options: list[str] = []
    positions: list[str] = []
    for path, command in program.walk():
        for option in command.options:
            patterns = (
                [f'"{path} {name}"' for name in option.names] if option.value is not None else []
            )
            with_value += patterns
            if option.value is not None and option.value.kind is not CompletionKind.NOTHING:
                values.setdefault(_bash_reply(option.value), []).extend(patterns)
        names = " ".join(name for option in command.options for name in option.names)
        options.append(f'            "{path}") _dealer_player_reply words {_quoted(names)} ;;')
        first = " ".join(each.name for each in command.commands)
        for number, argument in enumerate(command.places()):
            if argument.kind is not CompletionKind.NOTHING:
                place = f'"{path} "*' if argument.is_last else f'"{path} {number}"'
                more = first if number == 0 and command.arguments else ""
                positions.append(f"            {place}) {_bash_reply(argument, more)} ;;")
    inner = [f'"{path}"' for path, _ in program.walk() if path != program.name]
    return BASH_COMMAND.format(
        function=_function(program.name),
        name=program.name,
        with_value=" | ".join(with_value) or "''",
        commands=" | ".join(inner) or "''",
        options="\n".join(options),
        positions="\n".join(positions),
        values="\n".join(
            f"            {' | '.join(each)}) {reply} ;;" for reply, each in values.items()
        ),
    )


def _bash_reply(argument: CompletedArgument, more: str = "") -> str:
    words = " ".join([*argument.words, more]).strip()
    return f"_dealer_player_reply {argument.kind.value}" + (f" {_quoted(words)}" if words else "")


# zsh

ZSH_HEAD = """#compdef {names}
# Completion for zsh; made by `dealer completion zsh`.

_dealer_player_banks() {{
    local -a banks
    banks=(${{(f)"$(dealer ${{config:+--config}} ${{config:+${{~config}}}} list 2>/dev/null | cut -d ' ' -f 1)"}})
    compadd -a banks
}}

_dealer_player_list() {{
    local -a banks
    banks=(${{(f)"$(dealer ${{config:+--config}} ${{config:+${{~config}}}} list 2>/dev/null | cut -d ' ' -f 1)"}} all)
    _values -s , Bank $banks
}}

_dealer_player_methods() {{
    local -a methods
    local bank=${{${{line[1]}}%%,*}}
    methods=(${{(f)"$(dealer ${{config:+--config}} ${{config:+${{~config}}}} list $bank --timeout 2 2>/dev/null \\
        | cut -d ' ' -f 1)"}})
    compadd -a methods
}}

_dealer_player_properties() {{
    local -a properties
    properties=(${{(f)"$(dealer ${{config:+--config}} ${{config:+${{~config}}}} properties --names --timeout 2 \\
        2>/dev/null)"}})
    compadd -a properties
}}

_dealer_player_config() {{  # the value of --config, wherever it stands
    local at=${{words[(i)--config]}}
    (( at < $#words )) && config=${{words[at + 1]}} || config=${{${{(M)words:#--config=*}}#--config=}}
}}
"""
ZSH_PROGRAM = """
{function}() {{
    local curcontext=$curcontext context state state_descr line config
    typeset -A opt_args
    _dealer_player_config
{body}
}}
"""
ZSH_COMMANDS = """    _arguments -C \\
{options}
        '1: :->first' '*:: :->rest' && return
    case $state in
        first)
            local -a commands
            commands=(
{commands}
            )
            _describe command commands{banks}
            ;;
        rest)
            case $words[1] in
{inner}
            esac
            ;;
    esac"""
ZSH_ACTIONS = {
    CompletionKind.NOTHING: " ",
    CompletionKind.BANK: "_dealer_player_banks",
    CompletionKind.BANKS: "_dealer_player_list",
    CompletionKind.METHOD: "_dealer_player_methods",
    CompletionKind.PROPERTY: "_dealer_player_properties",
    CompletionKind.FILE: "_files",
    CompletionKind.FOLDER: "_files -/",
}


def zsh(commands: Sequence[CompletedCommand]) -> str:
    """Return a file for a folder of `$fpath`; its name begins with an underscore."""
    parts = [ZSH_HEAD.format(names=" ".join(command.name for command in commands))]
    parts += [_zsh_command(command) for command in commands]
    cases = "\n".join(f'    {each.name}) {_function(each.name)} "$@" ;;' for each in commands)
    return "".join(parts) + f"\ncase $service in\n{cases}\nesac\n"


def _zsh_command(program: CompletedCommand) -> str:
    options = "\n".join(f"        {spec} \\" for spec in _zsh_options(program))
    if not program.commands:
        specs = [*_zsh_options(program), *_zsh_arguments(program.arguments)]
        return ZSH_PROGRAM.format(
            function=_function(program.name), body="    _arguments " + " \\\n        ".join(specs)
        )
    described = "\n".join(
        f"                {_quoted(f'{c.name}:{_short(c.help)}')}" for c in program.commands
    )
    inner = [
        _zsh_case(each.name, [*_zsh_options(each), *_zsh_arguments(each.places())])
        for each in program.commands
    ]
    if program.arguments:
        rest = [*_zsh_options(program), *_zsh_arguments(program.arguments[1:])]
        inner.append(_zsh_case("*", rest))
    body = ZSH_COMMANDS.format(
        options=options,
        commands=described,
        inner="\n".join(inner),
        banks="\n            _dealer_player_banks" if program.arguments else "",
    )
    return ZSH_PROGRAM.format(function=_function(program.name), body=body)


def _zsh_case(name: str, specs: Sequence[str]) -> str:
    return f"                {name}) _arguments " + " \\\n                    ".join(specs) + " ;;"


def _zsh_options(command: CompletedCommand) -> list[str]:
    specs: list[str] = []
    for option in command.options:
        value = (
            ""
            if option.value is None
            else f":{_short(option.value.name)}:{_zsh_action(option.value)}"
        )
        apart = f"({' '.join(option.names)})" if len(option.names) > 1 else ""
        specs += [
            _quoted(
                f"{apart}{name}{'=' if value and name.startswith('--') else ''}[{_short(option.help)}]{value}"
            )
            for name in option.names
        ]
    return specs


def _zsh_arguments(arguments: Sequence[CompletedArgument]) -> list[str]:
    return [
        _quoted(f"{'*' if each.is_last else number}:{_short(each.name)}:{_zsh_action(each)}")
        for number, each in enumerate(arguments, start=1)
    ]


def _zsh_action(argument: CompletedArgument) -> str:
    return (
        f"({' '.join(argument.words)})"
        if argument.kind is CompletionKind.WORDS
        else ZSH_ACTIONS[argument.kind]
    )


# fish

FISH_HEAD = """# Completion for fish; made by `dealer completion fish`.

function __dealer_player_ask
    set -l words (commandline -opc)
    set -l options
    if set -l at (contains -i -- --config $words)
        set options --config $words[(math $at + 1)]
    end
    dealer $options $argv 2>/dev/null | string replace -r ' .*' ''
end

function __dealer_player_list
    __dealer_player_ask list $argv
end

function __dealer_player_methods
    set -l words (__dealer_player_plain)
    __dealer_player_list (string replace -r ',.*' '' -- $words[2]) --timeout 2
end

function __dealer_player_plain  # words without options and without the values of those named in $__dealer_player_valued
    set -l skip 0
    set -l words (commandline -opc)
    for word in $words[2..]
        if test $skip = 1
            set skip 0
        else if contains -- $word $__dealer_player_valued
            set skip 1
        else if not string match -q -- '-*' $word
            echo $word
        end
    end
end

function __dealer_player_at  # COMMAND NUMBER: the cursor is at this argument of the command; '' is the program itself
    set -l words (__dealer_player_plain)
    if test -n "$argv[1]"
        test "$words[1]" = "$argv[1]"; or return 1
        set -e words[1]
    end
    test (count $words) = $argv[2]
end

function __dealer_player_in  # COMMAND: the cursor is after this command
    set -l words (__dealer_player_plain)
    test "$words[1]" = "$argv[1]"
end
"""
FISH_ACTIONS = {
    CompletionKind.BANK: "-a '(__dealer_player_list)'",
    CompletionKind.BANKS: "-a '(__dealer_player_list) all'",
    CompletionKind.METHOD: "-a '(__dealer_player_methods)'",
    CompletionKind.PROPERTY: "-a '(__dealer_player_ask properties --names --timeout 2)'",
    CompletionKind.FILE: "-F",
    CompletionKind.FOLDER: "-a '(__fish_complete_directories)'",
    CompletionKind.NOTHING: "",
}


def fish(commands: Sequence[CompletedCommand]) -> str:
    """Return a file that fish reads with `source`."""
    valued = {
        name
        for program in commands
        for _, command in program.walk()
        for option in command.options
        if option.value
        for name in option.names
    }
    lines = [FISH_HEAD, f"set -g __dealer_player_valued {' '.join(sorted(valued))}"]
    for program in commands:
        lines += ["", f"complete -c {program.name} -f", *_fish_command(program.name, "", program)]
        for each in program.commands:
            where = "-n '__dealer_player_at \"\" 0'"
            lines.append(
                f"complete -c {program.name} {where} -a {each.name} -d {_quoted(_short(each.help))}"
            )
        for each in program.commands:
            lines += _fish_command(program.name, each.name, each)
    return "\n".join(lines) + "\n"


def _fish_command(program: str, name: str, command: CompletedCommand) -> Iterator[str]:
    inside = f" -n '__dealer_player_in {name}'" if name else ""
    for option in command.options:
        names = " ".join(
            f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in option.names
        )
        value = (
            ""
            if option.value is None
            else f" {_fish_value(option.value)} {_fish_action(option.value)}".rstrip()
        )
        yield f"complete -c {program}{inside} {names}{value} -d {_quoted(_short(option.help))}"
    for number, argument in enumerate(command.places() if name else command.arguments):
        if argument.kind is CompletionKind.NOTHING:
            continue
        where = (
            f"__dealer_player_in {name}"
            if argument.is_last and name
            else f'__dealer_player_at "{name}" {number}'
        )
        yield f"complete -c {program} -n {_quoted(where)} {_fish_action(argument)} -d {_quoted(_short(argument.name))}"


def _fish_value(argument: CompletedArgument) -> str:
    return "-r" if argument.kind is CompletionKind.FILE else "-x"  # no files among the words


def _fish_action(argument: CompletedArgument) -> str:
    return (
        f"-a {_quoted(' '.join(argument.words))}"
        if argument.kind is CompletionKind.WORDS
        else FISH_ACTIONS[argument.kind]
    )


SHELLS: Mapping[str, Callable[[Sequence[CompletedCommand]], str]] = {
    "bash": bash,
    "zsh": zsh,
    "fish": fish,
}
