"""The spectrometer: DIBAS Banks of the VEGAS and GUPPI families, and a data-taking program of our
own."""

from __future__ import annotations

from groundwork.lazyimports import lazy_names

__getattr__ = lazy_names(__name__, {})
