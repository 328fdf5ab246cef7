"""Finite impulse responses: windows, a low-pass by the window method, a signal through a response.

Pure arithmetic on arrays. Does without scipy.signal, whose import takes longer than all the rest of
the data-taking program's start; it is imported only for a window that numpy does not have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import scipy.fft

from spectrometer.daq.errors import ChannelizerError

__all__ = ["lowpass", "through", "window_named"]

DoubleArray = npt.NDArray[np.float64]

_OF_NUMPY: dict[str, Callable[[int], Any]] = {
    "bartlett": np.bartlett,
    "blackman": np.blackman,
    "boxcar": np.ones,
    "hamming": np.hamming,
    "hann": np.hanning,
}


def window_named(name: str, count: int, *, periodic: bool = False) -> DoubleArray:
    """A window.

    Args:
        name: Any name that `scipy.signal.get_window` takes without parameters.
        count: Samples, 1 or more.
        periodic: As for a transform, so that the sample after the last would be the first again;
            otherwise symmetric, as for a filter.

    Raises:
        ChannelizerError: There is no window of that name, or it needs parameters.
    """
    if make := _OF_NUMPY.get(name):
        return np.asarray(make(count + periodic if count > 1 else 1)[:count], np.float64)
    import scipy.signal  # half a second, for rare windows

    try:
        return np.asarray(scipy.signal.get_window(name, count, fftbins=periodic), np.float64)
    except ValueError as error:
        raise ChannelizerError(
            f"window {name!r} cannot be made ({error}); expected {', '.join(_OF_NUMPY)} "
            "or another name that scipy.signal.get_window takes without parameters"
        ) from error


def lowpass(count: int, cutoff: float, window: str) -> DoubleArray:
    """Low-pass by the window method, with a gain of 1 at frequency 0.

    h[n] = fc sinc(fc (n - (count - 1) / 2)) w[n], divided by its sum: Oppenheim and Schafer,
    Discrete-Time Signal Processing, "Design of FIR filters by windowing"; what
    `scipy.signal.firwin` computes.

    Args:
        count: Samples, 1 or more.
        cutoff: fc, half of the amplitude passes; of half the sample rate, more than 0 and less than
            1.
        window: As of `window_named`.

    Raises:
        ChannelizerError: As `window_named`.
    """
    times = np.arange(count) - (count - 1) / 2
    response = cutoff * np.sinc(cutoff * times) * window_named(window, count)
    return cast(DoubleArray, response / response.sum())


def through(
    signal: npt.NDArray[np.complex64], response: npt.NDArray[np.inexact[Any]]
) -> npt.NDArray[np.complex64]:
    """A signal through a filter, by one transform: only what the signal's ends do not spoil.

    Args:
        signal: Shape (time, columns), at least as long as the response.
        response: Of single precision, real or complex.

    Returns:
        Shape (time - len(response) + 1, columns); the first is sum(response[::-1] *
        signal[:len(response)]).
    """
    size = scipy.fft.next_fast_len(len(signal))
    spectrum = scipy.fft.fft(signal, size, axis=0)
    spectrum *= scipy.fft.fft(response, size)[:, None]
    filtered = scipy.fft.ifft(spectrum, axis=0, overwrite_x=True)
    kept: npt.NDArray[np.complex64] = filtered[len(response) - 1 : len(signal)]
    return kept
