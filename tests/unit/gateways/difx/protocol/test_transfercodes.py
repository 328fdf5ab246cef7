"""Numbers that answer transfers."""

from __future__ import annotations

import pytest

from gateways.difx.errors import FileFault
from gateways.difx.protocol.items import integer
from gateways.difx.protocol.transfercodes import LARGEST_FILE, download_code, upload_code

CODES = [
    (FileFault.NOT_ABSOLUTE, -1, -1),
    (FileFault.NOT_FOUND, -2, -2),
    (FileFault.NO_FOLDER, -2, -2),
    (FileFault.NOT_A_FOLDER, -2, -5),
    (FileFault.IS_A_FOLDER, -2, -3),
    (FileFault.NO_PERMISSION, -3, -3),
    (FileFault.OUTSIDE, -2, -2),
    (FileFault.NO_SPACE, -3, -3),
    (FileFault.TOO_LARGE, -3, -3),
    (FileFault.OTHER, -3, -3),
]


@pytest.mark.parametrize(("fault", "download", "upload"), CODES)
def test_a_fault_has_a_number_in_each_direction(
    fault: FileFault, download: int, upload: int
) -> None:
    assert (download_code(fault), upload_code(fault)) == (download, upload)


def test_every_fault_has_a_number_that_clients_know() -> None:
    assert {fault for fault, *_ in CODES} == set(FileFault)
    assert {download_code(fault) for fault in FileFault} <= {-1, -2, -3, -4}
    assert {upload_code(fault) for fault in FileFault} <= {-1, -2, -3, -4, -5}


def test_the_largest_file_has_a_size_that_can_be_told() -> None:
    assert integer(LARGEST_FILE).hex() == "7fffffff"
