"""In which order the tests run: files that take long begin first, and the short ones fill the gaps
at the end."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(  # how long an example takes says how busy the machine is
    "tests",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("tests")

COMPILED = Path(__file__).resolve().parents[1] / ".pytest_cache" / "compiled"

LONGEST = {
    "test_bank_synthetic.py",
    "test_cluster_sort.py",
    "test_daq_program.py",
    "test_dealer_both.py",
    "test_dealer_command.py",
    "test_dealer_hosts.py",
    "test_dealer_plan.py",
    "test_dealer_scans.py",
    "test_demo_mirror.py",
    "test_docs_examples.py",
    "test_docs_site.py",
    "test_foreign_daq.py",
    "test_histogrammer_command.py",
    "test_memory_owner.py",
    "test_player_process.py",
    "test_recording.py",
    "test_scan_losses.py",
    "test_scan_trust.py",
    "test_soak.py",
    "test_spectrometer_bank.py",
}
"""Twenty seconds or more each, where nothing is compiled yet."""


def pytest_configure() -> None:
    """Let Players of tests leave nothing in the home of who runs them, nor use its keys, and be ended as ever where
    `nohup` or a shell's `&` has signals ignored, which children inherit. Compiled functions are kept
    beside pytest's own cache."""
    os.environ["XDG_STATE_HOME"] = os.devnull
    os.environ["DIBAS_KEYS"] = ""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(COMPILED))
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _log_ends_with_the_test() -> Iterator[None]:
    """Take away what a program, run in this process, has set up of its log: the stream is pytest's,
    which closes it."""
    root = logging.getLogger()
    level, before = root.level, list(root.handlers)
    yield
    for handler in [each for each in root.handlers if each not in before]:
        if not type(handler).__module__.startswith("_pytest"):
            root.removeHandler(handler)
    root.setLevel(level)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by length; within each kind the order stays random."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    if "integration" not in item.path.parts:
        return 2
    return int(item.path.name not in LONGEST)
