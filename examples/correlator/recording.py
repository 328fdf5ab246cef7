"""Simulated receivers written as GUPPI raw files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from correlator.errors import JobFileError
from correlator.jobfile import Job
from correlator.receivers import Receiver
from spectrometer.daq.protocol.band import RecordedBand
from spectrometer.daq.protocol.guppiraw import write_header

__all__ = ["record"]

BLOCK_SAMPLES = 1 << 14
PACKET_BYTES = 8192


def record(job: Job, folder: Path) -> Iterator[Path]:
    """Write the scan of a job, a file for each station that has a receiver; yield their paths.

    A file's bands are coarse channels side by side; the last block goes on over the scan's end.

    Raises:
        JobFileError: Bands of a receiver do not lie side by side, or a file cannot be written.
    """
    for name, station in job.stations.items():
        if station.receiver is None:
            continue
        centers, width = np.array(station.receiver.centers_mhz), station.receiver.width_mhz
        if not np.allclose(np.diff(centers), width, atol=1e-9):
            raise JobFileError(name, "bands of a recording lie side by side, the lowest first")
        band = RecordedBand(
            channels=len(centers),
            polarizations=station.receiver.polarizations,
            sample_time=1e-6 / width,
            center_frequency=float(centers.mean()),
            bandwidth=width * len(centers),
        )
        blocks = -(-round(job.scan.duration_s * width * 1e6) // BLOCK_SAMPLES)
        receiver, path = Receiver(station.receiver.setup()), folder / f"{name}.raw"
        try:
            with path.open("wb") as file:
                for number in range(blocks):
                    file.write(_block(job, name, band, receiver, number))
        except OSError as error:
            raise JobFileError(path, error.strerror or str(error)) from error
        yield path


def _block(job: Job, name: str, band: RecordedBand, receiver: Receiver, number: int) -> bytes:
    """Return a header and its samples, in the order channel, time, polarization, re and im."""
    scan, seconds = job.scan, int(job.scan.start_s)
    packets = BLOCK_SAMPLES * band.channels * band.polarizations * 2 // PACKET_BYTES
    header = write_header(
        band,
        samples=BLOCK_SAMPLES,
        overlap=0,
        packet_index=number * packets,
        packet_bytes=PACKET_BYTES,
        others={
            "TELESCOP": name,
            "SRC_NAME": scan.source or "UNKNOWN",
            "STT_IMJD": scan.start_mjd,
            "STT_SMJD": seconds,
            "STT_OFFS": scan.start_s - seconds,
        },
    )
    samples, _ = receiver.read(number * BLOCK_SAMPLES, BLOCK_SAMPLES)
    parts = np.ascontiguousarray(samples.transpose(0, 2, 1)).view(np.float32)
    return header + parts.astype(np.int8).tobytes()
