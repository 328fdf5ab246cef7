"""Names in and of the status memory: the keys of VEGAS, segment keys and semaphores. Reads
nothing."""

from __future__ import annotations

import re

STATUS_BYTES = 2880 * 64
"""Size of the segment: 2304 cards."""

VEGAS_KEY = 0x01001840
VEGAS_SEMAPHORE = "/vegas_status"

UNSPECIFIED = "unspecified"

VEGAS_KEYS: tuple[str, ...] = (
    "BW_MODE",
    "CAL_DCYC",
    "CAL_FREQ",
    "CAL_MODE",
    "CAL_PHS",
    "CHAN_BW",
    "DATADIR",
    "DATAHOST",
    "DATAPORT",
    "EFSAMPFR",
    "EXPOSURE",
    "FILENUM",
    "FPGACLK",
    "HWEXPOSR",
    "NCHAN",
    "NPKT",
    "NPOL",
    "NSUBBAND",
    "OBSBW",
    "OBSFREQ",
    "OBSNCHAN",
    "OBS_MODE",
    "OBSERVER",
    "OBSID",
    "PKTFMT",
    "SRC_NAME",
    "RA",
    "DEC",
    "RA_STR",
    "DEC_STR",
    "SUB0FREQ",
    "SUB1FREQ",
    "SUB2FREQ",
    "SUB3FREQ",
    "SUB4FREQ",
    "SUB5FREQ",
    "SUB6FREQ",
    "SUB7FREQ",
    "SWVER",
    "TELESCOP",
)
"""Keys that a VEGAS Bank writes as `unspecified` unless it has a value."""

GUPPI_KEYS: tuple[str, ...] = ("CAL_FREQ", "DEC_STR", "OBSERVER", "RA_STR", "SRC_NAME", "TELESCOP")
"""Keys that a GUPPI Bank writes as `unspecified` unless it has a value."""

SWITCHING_KEY = re.compile(r"_(?:SBLK|SCAL|SSRF|SPHS|AICL|AISA|AECL|AESA|AISB|AESB)_\d\d")
"""Keys of one switching state each; those of an earlier, longer cycle have to be removed."""


def ftok(device: int, inode: int, project: int) -> int:
    """glibc's ftok from `st_dev`, `st_ino` and the project id, as a signed 32-bit number."""
    key = ((project & 0xFF) << 24) | ((device & 0xFF) << 16) | (inode & 0xFFFF)
    return key - (1 << 32) if key & 0x80000000 else key


def hashpipe_semaphore(key_file: str, instance: int) -> str:
    """Semaphore of a hashpipe instance; `/home/dibas`, 2 -> `/home_dibas_hashpipe_status_2`."""
    return (
        "/" + key_file.removeprefix("/").replace("/", "_") + f"_hashpipe_status_{instance & 0x3F}"
    )
