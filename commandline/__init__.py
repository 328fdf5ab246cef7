"""Commands of all programs: how they are declared, parsed and carried out, and what they print. Below all
other packages but `groundwork`; knows nothing of Banks."""

from __future__ import annotations

from commandline.answers import (
    say,
    tell,
    tell_line,
    tell_text,
)
from commandline.arguments import (
    LOG_LEVELS,
    Argument,
    Parser,
    argument,
    count,
    flag,
    log_level,
    number_of_seconds,
    one_of,
    peer,
    peers_with_roles,
    port_number,
)
from commandline.exitstatus import (
    DONE,
    FAILED,
    PARTLY,
    USAGE,
)
from commandline.findings import (
    Finding,
    Report,
)
from commandline.jsontext import (
    json_text,
)
from commandline.output import (
    carry_out,
    run_command,
)
from commandline.progressline import (
    ProgressLine,
)
from commandline.progressstate import (
    ProgressState,
)
from commandline.registry import (
    Command,
    Run,
    command,
    parser_for,
    parsers_of,
)
from commandline.rows import (
    fixed_row,
    plain_rows,
    render_rows,
)

__all__ = [
    "DONE",
    "FAILED",
    "LOG_LEVELS",
    "PARTLY",
    "USAGE",
    "Argument",
    "Command",
    "Finding",
    "Parser",
    "ProgressLine",
    "ProgressState",
    "Report",
    "Run",
    "argument",
    "carry_out",
    "command",
    "count",
    "fixed_row",
    "flag",
    "json_text",
    "log_level",
    "number_of_seconds",
    "one_of",
    "parser_for",
    "parsers_of",
    "peer",
    "peers_with_roles",
    "plain_rows",
    "port_number",
    "render_rows",
    "run_command",
    "say",
    "tell",
    "tell_line",
    "tell_text",
]
