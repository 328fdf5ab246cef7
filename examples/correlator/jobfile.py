"""Jobs and experiments as TOML: `.input` files, and the file from which they are made."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Self, TypeVar

import tomlkit
from pydantic import Field, ValidationError, model_validator

from correlator.delays import Delay
from correlator.errors import JobFileError
from correlator.receivers import ReceiverSetup
from correlator.voltages import Band, Start
from player.tables import Table

__all__ = [
    "Experiment",
    "Job",
    "ReceiverTable",
    "ScanTable",
    "StationTable",
    "read_experiment",
    "read_job",
    "write_job",
]

SUFFIX = ".input"
DAY_S = 86400.0

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,30}$")]
Megahertz = Annotated[float, Field(gt=0, lt=1e6)]
Coefficients = Annotated[tuple[float, ...], Field(min_length=1, max_length=16, strict=False)]
"""Microseconds, microseconds per second, ... from the begin of the scan on."""
T = TypeVar("T", bound=Table)


class ReceiverTable(Table):
    """`[stations.X.receiver]`: a simulated receiver."""

    centers_mhz: Annotated[tuple[Megahertz, ...], Field(min_length=1, max_length=256, strict=False)]
    """Middles of its bands."""
    width_mhz: Megahertz
    """Of each band."""
    polarizations: int = Field(default=2, ge=1, le=2)
    delay_us: Coefficients = (0.0,)
    """True delay, clock included."""
    sky: float = Field(default=0.3, ge=0, le=1)
    """Part of the power that is of the sky."""
    polarized: float = Field(default=0.0, ge=0, le=1)
    """Correlation of the sky in X and Y."""
    sky_seed: int = Field(default=1, ge=0)
    seed: int = Field(default=1, ge=0)
    """Of its noise; another one at each station."""

    def setup(self) -> ReceiverSetup:
        """Return it as the simulation takes it."""
        return ReceiverSetup(
            bands=tuple(Band(center * 1e6, self.width_mhz * 1e6) for center in self.centers_mhz),
            polarizations=self.polarizations,
            delay=Delay(self.delay_us),
            sky=self.sky,
            polarized=self.polarized,
            sky_seed=self.sky_seed,
            seed=self.seed,
        )


class StationTable(Table):
    """`[stations.X]`: a station, with recordings or a simulated receiver."""

    recordings: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """GUPPI raw files, from the folder of this file on."""
    receiver: ReceiverTable | None = None
    delay_us: Coefficients = (0.0,)
    """Model: how much later than at the reference a wavefront arrives."""

    @model_validator(mode="after")
    def _has_voltages(self) -> Self:
        if bool(self.recordings) == (self.receiver is not None):
            raise ValueError("a station has either recordings or a receiver")
        return self


class ScanTable(Table):
    """`[scan]` of a job."""

    name: Name
    source: str = ""
    ra: float = 0.0
    """Radians."""
    dec: float = 0.0
    """Radians."""
    start_mjd: int = Field(ge=0, le=100_000)
    """Day, UTC."""
    start_s: float = Field(default=0.0, ge=0, lt=86_401)
    """Seconds of the day."""
    duration_s: float = Field(gt=0, le=7 * DAY_S)

    @property
    def start(self) -> Start:
        """Begin of the scan."""
        return Start(self.start_mjd, self.start_s)


class ExperimentScan(ScanTable):
    """`[[scans]]` of an experiment: with delays that hold for it alone."""

    delay_us: dict[Name, Coefficients] = Field(default_factory=dict)


class _Setup(Table):
    """Keys that jobs and experiments share."""

    obs_code: str = ""
    channels: int = Field(default=64, ge=2, le=65536)
    """Of a spectrum."""
    integration_s: float = Field(default=1.0, ge=1e-4, le=3600)
    crossed: bool = True
    """X with Y, too."""
    pace: float = Field(default=0.0, ge=0)
    """Seconds of data in a second; 0: as fast as it goes."""
    stations: dict[Name, StationTable] = Field(min_length=1, max_length=50)


class Job(_Setup):
    """A `.input` file."""

    scan: ScanTable

    @property
    def integrations(self) -> int:
        """Integrations of the scan, the last one whole."""
        return max(1, round(self.scan.duration_s / self.integration_s))


class Experiment(_Setup):
    """A file of an experiment: a job for each scan."""

    scans: tuple[ExperimentScan, ...] = Field(min_length=1, max_length=1000, strict=False)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = [scan.name for scan in self.scans]
        if len(set(names)) < len(names):
            raise ValueError("two scans have the same name")
        for scan in self.scans:
            if unknown := sorted(set(scan.delay_us) - set(self.stations)):
                raise ValueError(f"scan {scan.name}: no station {unknown[0]}")
        return self

    def jobs(self) -> dict[str, Job]:
        """Return the job of each scan, by the scan's name."""
        shared = {key: getattr(self, key) for key in _Setup.model_fields if key != "stations"}
        return {
            scan.name: Job(
                **shared,
                scan=ScanTable(**{key: getattr(scan, key) for key in ScanTable.model_fields}),
                stations={
                    name: station.model_copy(
                        update={"delay_us": scan.delay_us.get(name, station.delay_us)}
                    )
                    for name, station in self.stations.items()
                },
            )
            for scan in self.scans
        }


def read_job(path: Path) -> Job:
    """Read a `.input` file.

    Raises:
        JobFileError: It cannot be read, or says what cannot be.
    """
    return _read(Job, path)


def read_experiment(path: Path) -> Experiment:
    """Read a file of an experiment.

    Raises:
        JobFileError: It cannot be read, or says what cannot be.
    """
    return _read(Experiment, path)


def write_job(job: Job) -> str:
    """Return a job as the text of a `.input` file."""
    return tomlkit.dumps(job.model_dump(mode="json", exclude_none=True, exclude_defaults=True))


def _read(model: type[T], path: Path) -> T:
    try:
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise JobFileError(path, error.strerror or str(error)) from error
    except ValidationError as error:
        found = error.errors(include_url=False)
        places = [".".join(map(str, each["loc"])) for each in found]
        words = [
            f"{place}: {each['msg']}" if place else each["msg"]
            for place, each in zip(places, found, strict=True)
        ]
        raise JobFileError(path, "; ".join(words)) from error
    except (ValueError, RecursionError) as error:
        raise JobFileError(path, f"no TOML ({error})") from error
