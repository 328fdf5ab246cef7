"""Voltages that are known, and GUPPI raw files of them, not made by the code under test."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = [
    "CENTRE_MHZ",
    "CHANNELS",
    "CHANNEL_MHZ",
    "DISPERSION_S",
    "SAMPLE_TIME",
    "Signal",
    "Volts",
    "centres",
    "known",
    "polarised",
    "stored_bytes",
    "write_raw",
]

Volts = npt.NDArray[np.complex128]


def card(keyword: str, value: object) -> bytes:
    """One card of a header, without a comment."""
    text = f"'{value:<8s}'" if isinstance(value, str) else f"{value!r:>20s}"
    return f"{keyword:<8s}= {text}".ljust(80)[:80].encode()


def stored_bytes(volts: Volts, *, falling: bool) -> npt.NDArray[np.int8]:
    """Voltages as a sampler has them: shape (channels, samples, polarizations, re and im)."""
    stored = volts.conj() if falling else volts
    parts = np.stack([stored.real, stored.imag], axis=-1)
    return np.clip(np.rint(parts), -127, 127).astype(np.int8)


def write_raw(
    path: Path,
    volts: Volts,
    *,
    centre_mhz: float = 300.0,
    sample_time: float = 1e-5,
    falling: bool = False,
    blocks: int = 4,
    overlap: int = 0,
    lost: Collection[int] = (),
    dropped: Collection[int] = (),
    step: int | None = None,
    time_first: bool = False,
    more: Mapping[str, object] | None = None,
) -> Path:
    """Write voltages as they are on the sky; those of a falling band are stored conjugated, as a
    sampler has them.

    Args:
        path: The file.
        volts: Shape (channels, time, polarizations), in steps of the sampler; channels in the order
            of the file.
        centre_mhz: Of the band.
        sample_time: Of a channel, s.
        falling: The frequency falls with the channel number.
        blocks: That the file is cut into.
        overlap: Samples at the end of a block that the next one begins with.
        lost: Numbers of blocks that are left out.
        dropped: Numbers of blocks that are zeros, as recorders write them of which no packet came.
        step: Of PKTIDX from one block to the next; None: samples, of which each is a packet.
        time_first: In the order of PKTFMT SIMPLE.
        more: Further cards, or others; None takes one out.
    """
    channels, samples, polarizations = volts.shape
    data = stored_bytes(volts, falling=falling)
    width = (-1 if falling else 1) / sample_time / 1e6
    each = (samples - overlap) // blocks
    with path.open("wb") as file:
        for number in range(blocks):
            if number in lost:
                continue
            part = data[:, number * each : (number + 1) * each + overlap]
            counts = {}
            if dropped:
                part = np.zeros_like(part) if number in dropped else part
                counts = {
                    "NPKT": each * (number not in dropped),
                    "NDROP": each * (number in dropped),
                }
            block = np.ascontiguousarray(part.swapaxes(0, 1) if time_first else part).tobytes()
            cards = {
                "BACKEND": "GUPPI",
                "TELESCOP": "GBT",
                "SRC_NAME": "TEST",
                "OBSNCHAN": channels,
                "NBITS": 8,
                "NPOL": 4 if polarizations == 2 else 1,
                "TBIN": sample_time,
                "OBSFREQ": centre_mhz,
                "OBSBW": width * channels,
                "CHAN_BW": width,
                "BLOCSIZE": len(block),
                "OVERLAP": overlap,
                "PKTIDX": number * (step or each),
                "PKTSIZE": channels * polarizations * 2,
                "PKTFMT": "SIMPLE" if time_first else "1SFA",
                "STT_IMJD": 60000,
                "STT_SMJD": 100,
                "STT_OFFS": 0.0,
                **counts,
                **(more or {}),
            }
            file.write(
                b"".join(card(key, value) for key, value in cards.items() if value is not None)
            )
            file.write(b"END".ljust(80) + block)
    return path


def polarised(
    share: tuple[complex, complex], channels: int, samples: int, *, seed: int = 1, rms: float = 20
) -> Volts:
    """Noise that is wholly polarised: A and B are these multiples of one signal. Shape (channels,
    samples, 2)."""
    parts = np.random.default_rng(seed).normal(0, rms, (channels, samples, 2))
    noise = np.rint(parts[..., 0]) + 1j * np.rint(parts[..., 1])
    volts: Volts = noise[..., None] * np.array(share)
    return volts


@dataclass(frozen=True, slots=True)
class Signal:
    """Content of the voltages of `known`: noise, a dispersed pulse train that is wholly polarised,
    a tone, a diode.

    Attributes:
        period, width: Of the pulses, s; they leave at 0, and `width` is full at half maximum. dm:
        Of the pulses, pc/cm3. share: A and B of the pulses, as multiples of one voltage. noise,
        pulse, tone: Root mean square of re and im in each polarization; of the pulses at their
        peak. tone_mhz: Where the tone is; it is in A and B alike. diode: Of the noise that is added
        in A and B alike in the first half of each `diode_period`.
    """

    period: float = 0.1
    width: float = 0.004
    dm: float = 200.0
    pulse: float = 0.0
    share: tuple[complex, complex] = (1, 1j)
    noise: float = 6.0
    tone: float = 0.0
    tone_mhz: float = 299.975
    diode: float = 0.0
    diode_period: float = 0.1


CENTRE_MHZ, CHANNEL_MHZ, CHANNELS, SAMPLE_TIME = 300.0, 0.1, 4, 1e-5
DISPERSION_S = 1 / 2.41e-4
"""Delay in s at 1 MHz for 1 pc/cm3, as pulsar programs round it."""


def centres(falling: bool) -> npt.NDArray[np.float64]:
    """Middle of each channel of `known`, MHz, in the order of a file."""
    step = -CHANNEL_MHZ if falling else CHANNEL_MHZ
    return np.asarray(CENTRE_MHZ + (np.arange(CHANNELS) - (CHANNELS - 1) / 2) * step, np.float64)


def known(signal: Signal, samples: int, *, falling: bool, seed: int = 1) -> Volts:
    """Voltages on the sky, shape (channels, samples, 2); whole periods of pulses and diode, as they
    go round.

    The pulses are dispersed as a whole, by the phase of each frequency: its derivative is
    DISPERSION_S * dm / f^2.
    """
    rng = np.random.default_rng(seed)
    times = np.arange(samples) * SAMPLE_TIME

    def noise(*shape: int) -> Volts:
        made: Volts = rng.standard_normal((*shape, 2)) @ np.array([1, 1j])
        return made

    volts = signal.noise * noise(CHANNELS, samples, 2)
    if signal.pulse:
        turns = times / signal.period - np.rint(times / signal.period)
        shape = np.exp(
            -2 * np.log(2) * np.square(turns * signal.period / signal.width)
        )  # squared: the pulse
        offsets = np.fft.fftfreq(samples, SAMPLE_TIME) / 1e6
        for channel, centre in enumerate(centres(falling)):
            phases = np.mod(1e6 * DISPERSION_S * signal.dm / (centre + offsets), 1.0)
            sent = np.fft.fft(signal.pulse * noise(samples) * shape)
            volts[channel] += np.fft.ifft(sent * np.exp(2j * np.pi * phases))[:, None] * np.array(
                signal.share
            )
    if signal.tone:
        channel = int(np.argmin(np.abs(centres(falling) - signal.tone_mhz)))
        offset = (signal.tone_mhz - centres(falling)[channel]) * 1e6
        volts[channel] += np.sqrt(2) * signal.tone * np.exp(2j * np.pi * offset * times)[:, None]
    if signal.diode:
        is_on = np.mod(times / signal.diode_period + 1e-9, 1.0) < 0.5
        volts += (signal.diode * noise(CHANNELS, samples) * is_on)[..., None]
    return volts
