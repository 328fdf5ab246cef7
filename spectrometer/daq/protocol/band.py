"""The band of voltages: what a spectrum's frequency axis is made of. Pure."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Band"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Complex voltages of coarse channels side by side."""

    channels: int
    """Coarse channels."""
    polarizations: int
    """1 or 2."""
    sample_time: float
    """Seconds between two complex samples of a coarse channel."""
    center_frequency: float
    """MHz."""
    bandwidth: float
    """MHz, as found; negative where the frequency falls with the channel number."""

    @property
    def coarse_width(self) -> float:
        """Width of a coarse channel in Hz by the sample time, with the sign of the band."""
        return (-1.0 if self.bandwidth < 0 else 1.0) / self.sample_time

    @property
    def lower_edge(self) -> float:
        """Hz at the outer edge of the first coarse channel."""
        return self.center_frequency * 1e6 - self.coarse_width * self.channels / 2
