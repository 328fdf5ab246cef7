"""GUPPI raw files with known contents, not made by the code under test."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

Volts = npt.NDArray[np.complex128]


def card(keyword: str, value: object) -> bytes:
    """One card of a header, without a comment."""
    text = f"'{value:<8s}'" if isinstance(value, str) else f"{value!r:>20s}"
    return f"{keyword:<8s}= {text}".ljust(80)[:80].encode()


def write_raw(
    path: Path, volts: Volts, *, centre_mhz: float = 300.0, sample_time: float = 1e-5, falling: bool = False,
    blocks: int = 4, overlap: int = 0, lost: Collection[int] = (), step: int | None = None,
    time_first: bool = False,
    more: Mapping[str, object] | None = None,
) -> Path:  # fmt: skip
    """Write voltages as they are on the sky; those of a falling band are stored conjugated, as a sampler has them.

    Args:
        path: The file.
        volts: Shape (channels, time, 2), in steps of the sampler; channels in the order of the file.
        centre_mhz: Of the band.
        sample_time: Of a channel, s.
        falling: The frequency falls with the channel number.
        blocks: That the file is cut into.
        overlap: Samples at the end of a block that the next one begins with.
        lost: Numbers of blocks that are left out.
        step: Of PKTIDX from one block to the next; None: samples, of which each is a packet.
        time_first: In the order of PKTFMT SIMPLE.
        more: Further cards, or others; None takes one out.
    """
    channels, samples, _ = volts.shape
    stored = volts.conj() if falling else volts
    parts = np.stack([stored.real, stored.imag], axis=-1)
    data = np.clip(np.rint(parts), -127, 127).astype(np.int8)
    width = (-1 if falling else 1) / sample_time / 1e6
    each = (samples - overlap) // blocks
    with path.open("wb") as file:
        for number in range(blocks):
            if number in lost:
                continue
            part = data[:, number * each : (number + 1) * each + overlap]
            block = np.ascontiguousarray(part.swapaxes(0, 1) if time_first else part).tobytes()
            cards = {
                "BACKEND": "GUPPI", "TELESCOP": "GBT", "SRC_NAME": "TEST", "OBSNCHAN": channels, "NPOL": 4, "NBITS": 8,
                "TBIN": sample_time, "OBSFREQ": centre_mhz, "OBSBW": width * channels, "CHAN_BW": width,
                "BLOCSIZE": len(block), "OVERLAP": overlap, "PKTIDX": number * (step or each), "PKTSIZE": channels * 4,
                "PKTFMT": "SIMPLE" if time_first else "1SFA", "STT_IMJD": 60000, "STT_SMJD": 100, "STT_OFFS": 0.0,
                **(more or {}),
            }  # fmt: skip
            file.write(b"".join(card(key, value) for key, value in cards.items() if value is not None))
            file.write(b"END".ljust(80) + block)
    return path


def polarised(share: tuple[complex, complex], channels: int, samples: int, *, seed: int = 1, rms: float = 20) -> Volts:
    """Noise that is wholly polarised: A and B are these multiples of one signal. Shape (channels, samples, 2)."""
    parts = np.random.default_rng(seed).normal(0, rms, (channels, samples, 2))
    noise = np.rint(parts[..., 0]) + 1j * np.rint(parts[..., 1])
    return noise[..., None] * np.array(share)
