from __future__ import annotations

from pathlib import Path

import pytest
from correlator.errors import JobFileError
from correlator.jobfile import read_experiment, read_job, write_job

EXPERIMENT = """
obs_code = "DEMO"
channels = 32
integration_s = 0.5
[stations.AA]
recordings = ["aa.raw"]
[stations.BB]
delay_us = [3.0, 0.5]
[stations.BB.receiver]
centers_mhz = [1420.0]
width_mhz = 1
[[scans]]
name = "No0001"
start_mjd = 60310
duration_s = 2
[[scans]]
name = "No0002"
source = "3C273"
ra = 3.27
start_mjd = 60310
start_s = 10.5
duration_s = 0.1
[scans.delay_us]
AA = [1.5]
"""
JOB = """
[stations.AA]
recordings = ["aa.raw"]
[scan]
name = "No0001"
start_mjd = 60310
duration_s = 2.0
"""


def experiment(folder: Path, text: str = EXPERIMENT) -> Path:
    (path := folder / "demo.v2d").write_text(text)
    return path


def test_an_experiment_gives_a_job_for_each_scan(tmp_path: Path) -> None:
    first, second = read_experiment(experiment(tmp_path)).jobs().items()
    assert (first[0], second[0]) == ("No0001", "No0002")
    assert {n: s.delay_us for n, s in first[1].stations.items()} == {"AA": (0.0,), "BB": (3.0, 0.5)}
    assert {n: s.delay_us for n, s in second[1].stations.items()} == {
        "AA": (1.5,),
        "BB": (3.0, 0.5),
    }
    assert (first[1].integrations, second[1].integrations) == (4, 1)
    assert (second[1].scan.source, second[1].scan.start.seconds) == ("3C273", 10.5)


def test_a_job_is_read_as_it_was_written(tmp_path: Path) -> None:
    for job in read_experiment(experiment(tmp_path)).jobs().values():
        (path := tmp_path / "job.input").write_text(write_job(job))
        assert read_job(path) == job


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (JOB.replace("recordings", "record"), "stations.AA.record: Extra inputs"),
        (JOB.replace('["aa.raw"]', "[]"), "either recordings or a receiver"),
        (JOB.replace("duration_s = 2.0", "duration_s = nan"), "scan.duration_s"),
        (JOB.replace("duration_s = 2.0", "duration_s = -1"), "scan.duration_s"),
        (JOB.replace("60310", '"60310"'), "scan.start_mjd"),
        (JOB.replace("No0001", "../x"), "scan.name"),
        ("channels = 1\n" + JOB, "channels"),
        (JOB.partition("[scan]")[0], "scan: Field required"),
        ("a = [", "no TOML"),
        ("\0", "no TOML"),
    ],
)
def test_a_job_that_cannot_be_is_refused_with_its_key(
    text: str, fault: str, tmp_path: Path
) -> None:
    (path := tmp_path / "job.input").write_text(text)
    with pytest.raises(JobFileError, match=fault) as caught:
        read_job(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_job_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JobFileError, match="No such file"):
        read_job(tmp_path / "none.input")
    (path := tmp_path / "job.input").write_bytes(b"\xff\xfe")
    with pytest.raises(JobFileError, match="no TOML"):
        read_job(path)


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [("No0002", "No0001", "same name"), ("AA = [1.5]", "CC = [1.5]", "no station CC")],
)
def test_an_experiment_that_contradicts_itself_is_refused(
    before: str, after: str, fault: str, tmp_path: Path
) -> None:
    with pytest.raises(JobFileError, match=fault):
        read_experiment(experiment(tmp_path, EXPERIMENT.replace(before, after)))
