"""Windows, low-pass and filtering against scipy.signal, which the data-taking program does
without."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import scipy.signal

from spectrometer.daq.errors import ChannelizerError
from spectrometer.daq.fir import lowpass, through, window_named

OF_NUMPY = ["bartlett", "blackman", "boxcar", "hamming", "hann"]
OF_SCIPY = ["blackmanharris", "hamm", "nuttall", "triang", "hann_symmetric"]


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("name", OF_NUMPY + OF_SCIPY)
def test_windows_are_those_of_scipy(name: str, periodic: bool) -> None:
    for count in (1, 2, 3, 64, 257, 4096):
        expected = scipy.signal.get_window(name, count, fftbins=periodic)
        np.testing.assert_allclose(
            window_named(name, count, periodic=periodic), expected, rtol=0, atol=1e-12
        )


@pytest.mark.parametrize("name", OF_NUMPY + OF_SCIPY)
@pytest.mark.parametrize("cutoff", [1 / 4096, 0.02, 0.5, 0.97])
def test_low_passes_are_those_of_scipy(name: str, cutoff: float) -> None:
    for count in (1, 3, 8, 127, 4096):
        expected = scipy.signal.firwin(count, cutoff, window=name)
        found = lowpass(count, cutoff, name)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
        assert found.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("name", ["no such window", "kaiser", ""])
def test_an_unknown_window_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(
        ChannelizerError, match="expected bartlett, blackman, boxcar, hamming, hann or another"
    ):
        lowpass(16, 0.25, name)
    with pytest.raises(ChannelizerError, match=f"window '{name}' cannot be made"):
        window_named(name, 16, periodic=True)


@pytest.mark.parametrize(
    ("length", "taps"), [(1, 1), (127, 127), (128, 127), (1009, 127), (3000, 1501)]
)
@pytest.mark.parametrize("is_complex", [False, True])
def test_filtering_is_the_sum_of_products_written_out(
    length: int, taps: int, is_complex: bool
) -> None:
    rng = np.random.default_rng(length)

    def noise(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.complex64]]:
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)

    signal, response = noise(length, 2), noise(taps) if is_complex else noise(taps).real
    before = signal.copy()
    found = through(signal, response)
    assert (found.dtype, found.shape) == (np.complex64, (length - taps + 1, 2))
    for column in range(2):
        expected = np.convolve(
            signal[:, column].astype(complex), response.astype(complex), mode="valid"
        )
        np.testing.assert_allclose(found[:, column], expected, rtol=0, atol=1e-5 * np.sqrt(taps))
    np.testing.assert_array_equal(signal, before)


def test_the_program_starts_without_scipy_signal() -> None:
    """Its import takes as long as the rest of the start, which every mode change waits for."""
    code = "import sys, spectrometer.daq.program; print([name for name in sys.modules if name == 'scipy.signal'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
