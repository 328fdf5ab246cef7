"""Names of parameters, spectra and gates: any text, but not of any length. Pure.

They are kept in traces, compared with patterns and sent in every list, so one of a megabyte would
cost more than the spectrum that has it.
"""

from __future__ import annotations

__all__ = ["MAX_NAME_LETTERS", "refusal"]

MAX_NAME_LETTERS = 1000


def refusal(name: str) -> str | None:
    """Return the sentence by which a name is refused; None: it can be one."""
    if len(name) <= MAX_NAME_LETTERS:
        return None
    return (
        f"The name {name[:40]}... has {len(name)} letters: choose one of at most {MAX_NAME_LETTERS}"
    )
