"""Names of packages that are loaded when they are asked for."""

import subprocess
import sys

import pytest
from support.player_run import ROOT, clean_environment

import portmanager


def test_a_name_is_loaded_once_it_is_asked_for_and_not_before() -> None:
    code = (
        "import sys, portmanager; assert 'asyncio' not in sys.modules; "
        "portmanager.AsyncPortManager; assert 'asyncio' in sys.modules; "
        "assert 'AsyncPortManager' in vars(portmanager)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=clean_environment(), check=True)


def test_a_name_that_is_not_there_is_said_as_python_says_it() -> None:
    with pytest.raises(AttributeError, match="module 'portmanager' has no attribute 'Nothing'"):
        _ = portmanager.Nothing
