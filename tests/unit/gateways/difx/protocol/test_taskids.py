"""Ids of sub-packets, beside the published ones."""

from __future__ import annotations

from gateways.difx.protocol.taskids import (
    COPY_ENDS,
    FILELIST_ENDS,
    JOB_ENDS,
    MACHINES_ENDS,
    STATUS_ENDS,
    UNIT_ENDS,
    JobPacket,
    MachinesPacket,
    MonitorPacket,
)

PUBLISHED = """MESSAGE WARNING ERROR INPUT_FILE_PATH CLOSE_CONNECTION NUM_BASELINES NUM_FREQUENCIES
    BASELINE FREQUENCY NUM_SCANS SCAN TELESCOPE_1 TELESCOPE_2 CORRELATION_PRODUCTS NUM_PHASE_CENTERS
    PHASE_CENTER NUM_PULSAR_BINS PULSAR_BIN NUM_POL_PRODUCTS POL_PRODUCT NEW_PRODUCT AUTOCORRELATION
    PRODUCT_REQUEST START_PRODUCT_REQUEST END_PRODUCT_REQUEST VISIBILITY_DATA AMPLITUDE_DATA
    PHASE_DATA LAG_DATA END_VISIBILITY_BLOCK JOB_NAME OBS_CODE SCAN_IDENTIFIER SCAN_START_TIME
    SCAN_END_TIME SOURCE SOURCE_RA SOURCE_DEC"""
RENAMED = {
    "CORRELATION_PRODUCTS": "BEGIN_CORRELATION_PRODUCTS",
    "START_PRODUCT_REQUEST": "START_PRODUCT_REQUESTS",
    "END_PRODUCT_REQUEST": "END_PRODUCT_REQUESTS",
}


def test_ids_of_the_monitor_are_100_higher_than_the_published_ones_and_six_more() -> None:
    for number, name in enumerate(PUBLISHED.split()):
        assert MonitorPacket[RENAMED.get(name, name)] == 100 + number
    assert [int(packet) for packet in MonitorPacket] == list(range(100, 144))


def test_ids_of_jobs_and_machines_have_no_gaps() -> None:
    assert [int(packet) for packet in JobPacket] == list(range(100, 129))
    assert [int(packet) for packet in MachinesPacket] == list(range(100, 123))


def test_tasks_end_as_clients_know() -> None:
    assert sorted(JOB_ENDS) == [100, 101, 119, 120, 128]
    assert sorted(MACHINES_ENDS) == sorted(UNIT_ENDS) == sorted(FILELIST_ENDS) == [100, 101]
    assert sorted(COPY_ENDS) == [302]
    assert sorted(STATUS_ENDS) == [101, 109]
