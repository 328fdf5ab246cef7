"""Derived values of the pulsar (GUPPI) modes. Bandwidths are MHz with their sign,
times s."""

from __future__ import annotations

import math
from dataclasses import dataclass

from spectrometer.errors import PulsarSetupError

__all__ = [
    "NODES",
    "BlockSizes",
    "CoherentNode",
    "Incoherent",
    "block_sizes",
    "coherent_node",
    "downsampling",
    "incoherent",
]

NODES = 8
MAX_ACC_LENGTH = 65535
_BLOCK_LIMIT = 128 << 20  # bytes of a data buffer's block
_BYTES_PER_SAMPLE = 4  # two polarizations, complex, 8 bits each
_DISPERSION = 8.3  # us of smearing of a 1 MHz channel at 1 GHz and 1 pc/cm3


@dataclass(frozen=True, slots=True)
class Incoherent:
    """Of an incoherent mode: the register ACC_LENGTH, spectra in a sum, channel width in MHz, time
    of a sum in s."""

    acc_length: int
    acc_len: int
    channel_width: float
    time: float


def incoherent(integration_time: float, bandwidth: float, nchan: int) -> Incoherent:
    """The longest sum of 2^n spectra that is not longer than asked for.

    Args:
        integration_time: s.
        bandwidth: MHz, signed.
        nchan: Channels.

    Raises:
        PulsarSetupError: It is shorter than half a spectrum, or longer than the FPGA can sum.
    """
    size = abs(bandwidth)
    spectra = int(integration_time * size * 1e6 / nchan + 0.5)
    shortest = nchan / (size * 1e6)
    if spectra < 1 or spectra > 2 * MAX_ACC_LENGTH + 1:
        longest = (MAX_ACC_LENGTH + 1) * shortest
        raise PulsarSetupError(
            f"integration_time {integration_time:g} s is out of range: {shortest:g} to {longest:g} s with {nchan} "
            f"channels in {size:g} MHz"
        )
    acc_len = 1 << (spectra.bit_length() - 1)
    return Incoherent(acc_len - 1, acc_len, bandwidth / nchan, acc_len * nchan / (size * 1e6))


@dataclass(frozen=True, slots=True, kw_only=True)
class CoherentNode:
    """One node's eighth of the band of a coherent mode.

    Attributes:
        nchan: Its channels.
        bandwidth: MHz, signed.
        channel_width: MHz, signed.
        time: Of a sample, s.
        centre: Of its first-to-last channel, MHz.
    """

    nchan: int
    bandwidth: float
    channel_width: float
    time: float
    centre: float


def coherent_node(node: int, nchan: int, bandwidth: float, centre: float) -> CoherentNode:
    """Return what one of the 8 nodes gets.

    Args:
        node: 0 to 7.
        nchan: Channels of all nodes together.
        bandwidth: Of all nodes together, MHz, signed.
        centre: Of the whole band, MHz.
    """
    node_nchan, node_bandwidth = nchan // NODES, bandwidth / NODES
    width = node_bandwidth / node_nchan
    return CoherentNode(
        nchan=node_nchan,
        bandwidth=node_bandwidth,
        channel_width=width,
        time=node_nchan / abs(node_bandwidth * 1e6),
        centre=centre - bandwidth / 2 + node * node_bandwidth + 0.5 * node_bandwidth - width / 2,
    )


def downsampling(integration_time: float, node: CoherentNode) -> int:
    """Samples that the computer sums for about `integration_time` (s): the nearest power of two, at
    least 1."""
    samples = integration_time * abs(node.bandwidth) * 1e6 / node.nchan
    return 1 << max(int(math.log(samples) / math.log(2) + 0.5), 0) if samples > 0 else 1


@dataclass(frozen=True, slots=True)
class BlockSizes:
    """Of coherent dedispersion: overlap and FFT in samples, block in bytes."""

    overlap: int
    fftlen: int
    blocsize: int


def block_sizes(dm: float, nchan: int, bandwidth: float, centre: float) -> BlockSizes:
    """Sizes that the dispersion in the lowest channel asks for.

    Args:
        dm: Dispersion measure, pc/cm3.
        nchan: Channels of all nodes together.
        bandwidth: Of all nodes together, MHz.
        centre: Of the whole band, MHz.

    Raises:
        PulsarSetupError: The band begins at or below 0 MHz, or no block can hold the dispersed
            pulse.
    """
    node_nchan = nchan // NODES
    step = max(512, 8192 // 4 // node_nchan)
    lowest = (centre - abs(bandwidth) / 2) / 1000
    if lowest <= 0:
        raise PulsarSetupError(
            f"obs_frequency {centre:g} MHz with a bandwidth of {abs(bandwidth):g} MHz begins at {lowest * 1000:g} MHz; "
            f"expected more than {abs(bandwidth) / 2:g} MHz"
        )
    channel = bandwidth / nchan
    overlap = step * (int(_DISPERSION * dm * channel**2 / lowest**3) // step + 1)
    fftlen = next((size for limit, size in _FFT_LENGTHS if overlap <= limit), 16384)
    while fftlen < 2 * overlap:
        fftlen *= 2
    most = _BLOCK_LIMIT // _BYTES_PER_SAMPLE // node_nchan
    transforms = (most - overlap) // (fftlen - overlap)
    if transforms < 1:
        raise PulsarSetupError(
            f"dm {dm:g} pc/cm3 smears a channel over {overlap} samples; a block holds {most}: "
            "observe at a higher frequency or with more channels"
        )
    samples = transforms * (fftlen - overlap) + overlap
    return BlockSizes(overlap, fftlen, samples * node_nchan * _BYTES_PER_SAMPLE)


_FFT_LENGTHS = ((1024, 32768), (2048, 65536), (16384, 131072), (65536, 262144))
