"""The spectrometer: DIBAS Banks of the VEGAS and GUPPI families, and a data-taking program of our
own."""

from __future__ import annotations

from groundwork.late import late_names

__getattr__ = late_names(__name__, {})
