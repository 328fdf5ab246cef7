"""A job from its file to its visibilities: stations opened, integrations made, progress told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from correlator.delays import Delay
from correlator.errors import VoltagesError
from correlator.fx import Antenna, Correlator, Pair, pairs_of
from correlator.jobfile import DAY_S, SUFFIX, Job, StationTable
from correlator.receivers import Receiver
from correlator.visibilities import VisibilityWriter
from correlator.voltages import Recordings, Voltages
from gateways.difx.protocol.products import Product, ProductsHeader, Scan

__all__ = ["Progress", "Stations", "correlate", "opened", "output_of"]

OUTPUT_SUFFIX = ".difx"


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a job.

    Attributes:
        done: Integrations that are written.
        integrations: Integrations of the job.
        start_mjd: Begin of the job.
        reached_mjd: End of the last integration.
        stop_mjd: End of the job.
        valid: Of each station: part of the last integration in which it had data.
    """

    done: int
    integrations: int
    start_mjd: float
    reached_mjd: float
    stop_mjd: float
    valid: dict[str, float]


@dataclass(frozen=True, slots=True)
class Stations:
    """Stations of a job, open.

    Attributes:
        antennas: In order of their names in the job.
        pairs: Products.
        header: Of the visibilities.
        warnings: Sentences on what is odd.
    """

    antennas: list[Antenna]
    pairs: list[Pair]
    header: ProductsHeader
    warnings: list[str]


def output_of(path: Path) -> Path:
    """Return the path of a job's visibilities."""
    return path.with_name(path.name.removesuffix(SUFFIX) + OUTPUT_SUFFIX)


@contextmanager
def opened(job: Job, path: Path, restart_s: float = 0.0) -> Iterator[Stations]:
    """Open the stations of a job.

    Args:
        job: The job.
        path: Of its file.
        restart_s: It begins so far into its scan.

    Raises:
        VoltagesError: Stations do not fit.
        SourceError: A recording cannot be read.
        PayloadError: It has too many products.
    """
    with ExitStack() as stack:
        antennas, warnings = [], []
        for name, station in job.stations.items():
            voltages = _voltages(name, station, path.parent)
            stack.callback(voltages.close)
            if isinstance(voltages, Recordings):
                warnings += [f"{name}: {note}" for note in voltages.notes]
            antennas.append(_antenna(name, station, voltages, job, warnings))
        pairs = pairs_of(antennas, is_crossed=job.crossed)
        warnings += _unshared(antennas, pairs)
        yield Stations(antennas, pairs, _header(job, path, antennas, pairs, restart_s), warnings)


def correlate(
    stations: Stations,
    job: Job,
    path: Path,
    *,
    tell: Callable[[Progress], None],
    wait: Callable[[float], bool],
) -> int:
    """Correlate a job into its file of visibilities.

    Args:
        stations: Of the job.
        job: The job.
        path: Of its file.
        tell: Called after each integration.
        wait: Waits so many seconds, counted from the first call, until the next integration may begin;
            True: stop.

    Returns:
        Number of the integration that was to come next; that of the job's integrations at its end.

    Raises:
        VoltagesError: No station had data at any time.
        VisibilityFileError: They cannot be written.
    """
    scan, header = stations.header.scans[0], stations.header
    correlator = Correlator(
        stations.antennas,
        stations.pairs,
        channels=job.channels,
        integration_s=job.integration_s,
    )
    has_data = False
    with VisibilityWriter(output_of(path), header) as writer:
        for number in range(header.first, job.integrations):
            due = (number - header.first + 1) * job.integration_s
            if wait(due / job.pace if job.pace else 0.0):
                return number
            made = correlator.integrate(number, lambda: wait(0.0))
            if made is None:
                return number
            writer.write(made.spectra, made.weights)
            has_data = has_data or any(made.valid)
            names = (antenna.name for antenna in stations.antennas)
            tell(
                Progress(
                    done=number + 1,
                    integrations=job.integrations,
                    start_mjd=scan.start_mjd,
                    reached_mjd=scan.start_mjd + (number + 1) * job.integration_s / DAY_S,
                    stop_mjd=header.stop_mjd(scan),
                    valid=dict(zip(names, made.valid, strict=True)),
                )
            )
    if not has_data:
        raise VoltagesError(path.name, "no station has data within the scan; look at its start")
    return job.integrations


def _voltages(name: str, station: StationTable, folder: Path) -> Voltages:
    if station.receiver is not None:
        return Receiver(station.receiver.setup())
    return Recordings(name, [folder / each for each in station.recordings])


def _antenna(
    name: str, station: StationTable, voltages: Voltages, job: Job, warnings: list[str]
) -> Antenna:
    late = 0.0
    if voltages.start is not None:
        late = voltages.start.since(job.scan.start)
    elif station.recordings:
        warnings.append(
            f"{name}: its recording does not say when it begins; taken is the scan's start"
        )
    widths = {band.width_hz for band in voltages.bands}
    if len(widths) > 1:
        raise VoltagesError(name, "its bands have different widths")
    if voltages.samples is not None:
        end = late + voltages.samples / voltages.bands[0].width_hz
        if late >= job.scan.duration_s or end <= 0:
            warnings.append(
                f"{name}: no data within the scan; they are from {late:.3f} s to {end:.3f} s of it"
            )
        elif late > job.integration_s or end < job.scan.duration_s - job.integration_s:
            warnings.append(f"{name}: data only from {late:.3f} s to {end:.3f} s of the scan")
    return Antenna(name, voltages, Delay(station.delay_us), late)


def _unshared(antennas: list[Antenna], pairs: list[Pair]) -> list[str]:
    """Sentences on bands that no other station has."""
    if len(antennas) < 2:
        return []
    shared = {
        (each.station, each.band)
        for pair in pairs
        if pair.first.station != pair.second.station
        for each in (pair.first, pair.second)
    }
    alone = [
        f"{antenna.name} {band.center_hz / 1e6:g} MHz"
        for number, antenna in enumerate(antennas)
        for row, band in enumerate(antenna.voltages.bands)
        if (number, row) not in shared
    ]
    return [f"bands that no other station has: {', '.join(alone)}"] if alone else []


def _header(
    job: Job, path: Path, antennas: list[Antenna], pairs: list[Pair], restart_s: float
) -> ProductsHeader:
    scan = job.scan
    return ProductsHeader(
        job=path.name.removesuffix(SUFFIX),
        obs_code=job.obs_code,
        integration_s=job.integration_s,
        first=min(max(int(restart_s / job.integration_s), 0), job.integrations - 1),
        scans=(
            Scan(
                name=scan.name,
                source=scan.source,
                ra=scan.ra,
                dec=scan.dec,
                start_mjd=scan.start_mjd + scan.start_s / DAY_S,
                integrations=job.integrations,
            ),
        ),
        products=tuple(
            Product(
                stations=(antennas[pair.first.station].name, antennas[pair.second.station].name),
                frequency_mhz=pair.band.center_hz / 1e6,
                bandwidth_mhz=pair.band.width_hz / 1e6,
                channels=job.channels,
                polarization=pair.polarization,
            )
            for pair in pairs
        ),
    )
