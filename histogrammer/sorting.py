"""The command `histogrammer sort`: spectra of files of events, without servers."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from commandline import DONE, FAILED, PARTLY, ProgressLine, say
from groundwork.wholefiles import replace_file
from histogrammer.analyzer import Analyzer
from histogrammer.cluster.command import ClusterSort, event_files
from histogrammer.cluster.filling import enter
from histogrammer.definitions import Definitions, read_definitions
from histogrammer.engine import Engine
from histogrammer.errors import AnalysisError, HistogrammerError
from histogrammer.events.accounts import Account
from histogrammer.flavors import FLAVORS
from histogrammer.service import Histogrammer, HistogrammerSettings
from histogrammer.spectrumfiles.formats import FORMATS
from histogrammer.spectrumfiles.saved import Saved

__all__ = ["sort"]

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
    if options.plan is not None:
        return _planned(definitions, options)
    threads = options.threads or len(os.sched_getaffinity(0))
    settings = HistogrammerSettings(
        roots=[Path("/")], has_hidden=True, threads=threads, flavor=FLAVORS[options.flavor]
    )
    with Histogrammer(settings) as histogrammer:
        histogrammer.worker.ask(definitions.book)
        try:
            if options.cluster is None:
                error = _analyze(histogrammer.analyzer, options)
            else:
                error = _distribute(histogrammer, definitions, options)
            if not options.quiet:  # a name that is misspelt shows nowhere else
                for name in histogrammer.worker.ask(_empty):
                    say(PROGRAM, f"spectrum {name} is empty")
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
    say(PROGRAM, why)
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
    return _tell(analyzer.accounts(), analyzer.state().errors, options.quiet)


def _distribute(
    histogrammer: Histogrammer, definitions: Definitions, options: argparse.Namespace
) -> bool:
    """Have a cluster read all files; True: some are cut or broken, which was told."""
    line = ProgressLine()
    line.is_shown = line.is_shown and not options.quiet
    filled = _cluster_sort(definitions, options).run(line)
    histogrammer.worker.ask(lambda engine: enter(filled, engine))
    accounts = [account for _, account in sorted(filled.accounts.items())]
    errors = [why for _, why in sorted(filled.errors.items())]
    return _tell(accounts, errors, options.quiet)


def _cluster_sort(definitions: Definitions, options: argparse.Namespace) -> ClusterSort:
    files = event_files(options.files)
    return ClusterSort(options.cluster or "local:1", definitions, options.flavor, files)


def _planned(definitions: Definitions, options: argparse.Namespace) -> int:
    """Print the plan of a sort on a cluster; the exit status."""
    try:
        lines = _cluster_sort(definitions, options).plan(options.plan or None)
    except HistogrammerError as failure:
        return _failed(str(failure))
    print("\n".join(lines))
    return DONE


def _tell(accounts: Sequence[Account], errors: Sequence[str], quiet: bool) -> bool:
    """Tell accounts and errors; True: there are errors."""
    if not quiet:
        for account in accounts:
            print("\n".join(account.lines()), file=sys.stderr)
    for each in errors:
        say(PROGRAM, each)
    return bool(errors)


def _empty(engine: Engine) -> list[str]:
    """Return the names of spectra in which nothing is."""
    return [name for name, each in engine.spectra.items() if not each.contents.cells.any()]


def _written(engine: Engine, form: str) -> bytes:
    saved = [Saved(each.shown, each.contents.cells) for each in engine.spectra.values()]
    return FORMATS[form].write(saved, time.time_ns())
