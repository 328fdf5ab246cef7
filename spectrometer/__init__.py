"""The spectrometer: DIBAS Banks of the VEGAS and GUPPI families, and a data-taking program of our
own."""

from __future__ import annotations


def __getattr__(name: str) -> str:
    if name == "__version__":
        from groundwork.commandline import version

        return version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
