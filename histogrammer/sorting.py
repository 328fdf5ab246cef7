"""The command `histogrammer sort`: spectra of files of events, without servers."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from pathlib import Path

from groundwork.progressline import ProgressLine
from groundwork.wholefiles import replace_file
from histogrammer.analyzer import Analyzer
from histogrammer.definitions import read_definitions
from histogrammer.engine import Engine
from histogrammer.errors import AnalysisError, HistogrammerError
from histogrammer.flavors import FLAVORS
from histogrammer.service import Histogrammer, HistogrammerSettings
from histogrammer.spectrumfiles.formats import FORMATS
from histogrammer.spectrumfiles.saved import Saved

__all__ = ["sort"]

DONE, FAILED, PARTLY = 0, 1, 3
LOOK_S = 0.2
BINARY = ("root", "hdf5")
PROGRAM = "histogrammer sort"


def sort(options: argparse.Namespace) -> int:
    """Carry out the command; its exit status.

    The files are analyzed as a served histogrammer does it, so the spectra are the same.

    Args:
        options: Of `sort_parser`.

    Raises:
        ConfigError: Of the definitions.
    """
    if options.output is None and options.format in BINARY:
        return _failed(f"format {options.format} is no text: name a file with --output")
    definitions = read_definitions(options.config)
    logging.getLogger("histogrammer").setLevel(logging.CRITICAL)  # errors are told below
    threads = options.threads or len(os.sched_getaffinity(0))
    settings = HistogrammerSettings(
        roots=[Path("/")], has_hidden=True, threads=threads, flavor=FLAVORS[options.flavor]
    )
    with Histogrammer(settings) as histogrammer:
        histogrammer.worker.ask(definitions.book)
        try:
            error = _analyze(histogrammer.analyzer, options)
            if not options.quiet:  # a name that is misspelt shows nowhere else
                for name in histogrammer.worker.ask(_empty):
                    print(f"{PROGRAM}: spectrum {name} is empty", file=sys.stderr)
            content = histogrammer.worker.ask(lambda engine: _written(engine, options.format))
            if options.output is not None:
                replace_file(options.output, content)
            else:
                sys.stdout.write(content.decode())
        except HistogrammerError as failure:
            return _failed(str(failure))
        except OSError as failure:
            if options.output is None:
                raise
            return _failed(f"{options.output}: {failure.strerror or failure}")
    return PARTLY if error else DONE


def _failed(why: str) -> int:
    print(f"{PROGRAM}: {why}", file=sys.stderr)
    return FAILED


def _analyze(analyzer: Analyzer, options: argparse.Namespace) -> bool:
    """Read all files; True: some are cut or broken, which was told."""
    try:
        analyzer.attach_files(options.files, keep_going=True)
    except AnalysisError as error:
        which = f"{options.files[0]}: " if len(options.files) == 1 else ""
        raise HistogrammerError(f"{which}{error.detail}") from error
    line = ProgressLine()
    line.is_shown = line.is_shown and not options.quiet
    analyzer.start()
    while not analyzer.wait(LOOK_S):
        state = analyzer.state()
        left = "" if state.left_s is None else f", {state.left_s:.0f} s left"
        line.write(state.sentence() + left)
    line.clear()
    if not options.quiet:
        for account in analyzer.accounts():
            print("\n".join(account.lines()), file=sys.stderr)
    errors = analyzer.state().errors
    for each in errors:
        print(f"{PROGRAM}: {each}", file=sys.stderr)
    return bool(errors)


def _empty(engine: Engine) -> list[str]:
    """Return the names of spectra in which nothing is."""
    return [name for name, each in engine.spectra.items() if not each.contents.cells.any()]


def _written(engine: Engine, form: str) -> bytes:
    saved = [Saved(each.shown, each.contents.cells) for each in engine.spectra.values()]
    return FORMATS[form].write(saved, time.time_ns())
