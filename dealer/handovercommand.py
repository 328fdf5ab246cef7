"""The command `dealer handover`: the sheet that a shift hands over to the next."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from commandline import DONE, FAILED, argument, command, flag, tell
from dealer.commands import QUESTION_TIMEOUT, banks_named
from dealer.errors import DealerError
from dealer.handover import ask_handover
from dealer.lastframes import last_pictures
from dealer.players import find_players
from dealer.services import open_hub
from dealer.sheettext import html_sheet, markdown_sheet
from dealer.timearguments import MOMENT_FORM, PeriodError, check_period, moment
from dealer.why import ArrayQuestion, installation_of
from zmqjsonproxy.keys import KeyRing

__all__ = ["COMMAND"]

SINCE = "8h"


def _handover(options: argparse.Namespace) -> int:
    urls = find_players(None, options.config)
    banks = banks_named(options.banks, list(urls))
    question = ArrayQuestion(
        urls={bank: urls[bank] for bank in banks},
        installation=installation_of(options.config),
        timeout=options.timeout or QUESTION_TIMEOUT,
    )
    since = moment(SINCE) if options.since is None else options.since
    until = time.time() if options.until is None else options.until
    check_period(since, until)
    with open_hub() as hub:
        sheet = ask_handover(hub, question, since, until, options.title)
        if options.html:
            pictures = last_pictures(hub, question.urls, KeyRing.load(), until)
            text = html_sheet(sheet, options.page, pictures)
        else:
            text = markdown_sheet(sheet, options.page)
    if options.output is None:
        tell(options.json, sheet.describe(), text)
    else:
        try:
            options.output.write_text(text, encoding="utf-8")
        except OSError as error:
            why = error.strerror or error
            raise DealerError(f"{options.output} cannot be written: {why}") from error
        told = {"file": str(options.output), "scans": len(sheet.scans)}
        tell(options.json, told, f"{options.output}: {len(sheet.scans)} scans")
    return FAILED if sheet.silent else DONE


COMMAND = command(
    "handover",
    _handover,
    "the sheet of a shift: scans, faults, acknowledgements, control, changes, as Markdown",
    argument("--since TIME", f"from then on: {MOMENT_FORM}; default: {SINCE}", type=moment),
    argument("--until TIME", "before then; default: now", type=moment),
    argument("--banks BANKS", "whose, as BANKA,BANKB; default: all", default="all"),
    argument("--title TEXT", "name of the site, for the first line", default=""),
    argument("--page URL", "of a dashboard, to which moments are linked", default=""),
    flag("--html", "as one HTML file, with pictures of the last spectra"),
    argument("-o --output FILE", "write it there; default: standard output", type=Path),
    usage_errors=(PeriodError,),
)
