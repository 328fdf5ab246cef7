"""Targets of the spectrometer: status cards, headers of recordings, live frames."""

from __future__ import annotations

from spectrometer.daq.protocol import blockplaces, checksum, dada, guppiraw, liveframes
from spectrometer.status.errors import CardError
from spectrometer.status.protocol import cards, damage, originaltexts
from tools.fuzz.target import Target

STATUS_BYTES = 36 * 80


def read_status(data: bytes) -> None:
    """Read a status memory, damaged in whatever way; what is mended is whole and keeps its values."""
    image = data.ljust(STATUS_BYTES, b" ")[:STATUS_BYTES]
    values = cards.read_cards(image)
    originaltexts.as_original(values, {})
    mended = damage.mended(image)
    assert len(mended) == len(image)
    assert not damage.find_damage(mended)
    for keyword in list(cards.read_cards(mended))[:3]:
        try:
            cards.plan_update(image, {keyword: 1})
        except CardError:
            pass


def write_status(data: bytes) -> None:
    """Write a value as a card, and read it."""
    keyword, _, text = data.decode("latin-1").partition("=")
    card = cards.write_card(keyword, text)
    found = cards.read_card(card)
    assert found is not None
    assert found.keyword == keyword.upper()
    assert found.value == text.rstrip(" "), (found.value, text)


def read_guppi(data: bytes) -> None:
    """Read the header of a block."""
    header = guppiraw.read_header(data)
    guppiraw.band_disagreements(header)
    blockplaces.steps_of_a_block(header, [0])


def read_dada(data: bytes) -> None:
    """Read the header of a DADA file."""
    header = dada.read_header(data)
    assert header.sample_bytes > 0


def read_frames(data: bytes) -> None:
    """Read live frames out of a memory that somebody has spoilt."""
    memory = bytearray(liveframes.memory_bytes(64))
    memory[: len(data)] = data[: len(memory)]
    frames = liveframes.FrameMemory(memoryview(memory))
    try:
        frames.read(frames.newest())
        frames.read(1)
    finally:
        frames.release()


def add_words(data: bytes) -> None:
    """Add up a checksum in pieces: as at once."""
    cut = 4 * (len(data) // 8)
    assert checksum.add_words(
        checksum.add_words(0, data[:cut]), data[cut:], cut
    ) == checksum.add_words(0, data)


GUPPI = b"".join(
    cards.write_card(key, value)
    for key, value in {
        "BLOCSIZE": 4096,
        "OBSNCHAN": 4,
        "NPOL": 4,
        "NBITS": 8,
        "OBSBW": 100.0,
        "OBSFREQ": 1400.0,
        "TBIN": 1e-6,
        "PKTIDX": 0,
        "PKTSIZE": 8192,
        "STT_IMJD": 60000,
        "STT_SMJD": 3600,
        "STT_OFFS": 0.0,
        "OVERLAP": 0,
        "CHAN_BW": 25.0,
    }.items()
) + b"END".ljust(80)
DADA = (
    b"HDR_VERSION 1.0\nHDR_SIZE 4096\nNBIT 8\nNDIM 2\nNPOL 2\nNCHAN 1\nTSAMP 0.01\nFREQ 1400\nBW 100\n"
    b"UTC_START 2026-01-01-00:00:00\nOBS_OFFSET 0\n"
).ljust(4096, b"\0")
STATUS = cards.write_card("SRC_NAME", "3C286") + cards.write_card("NCHAN", 64) + b"END".ljust(80)

TARGETS = (
    Target(
        name="status",
        folder="spectrometer/status/protocol",
        read=read_status,
        samples=(STATUS, STATUS[:100]),
    ),
    Target(
        name="cards",
        folder="spectrometer/status/protocol",
        read=write_status,
        raises=(CardError,),
        samples=(b"SRC_NAME=3C286", b"OBSID=it's", b"A=1.0"),
    ),
    Target(
        name="guppi-raw",
        folder="spectrometer/daq/protocol",
        read=read_guppi,
        raises=(guppiraw.HeaderError,),
        samples=(GUPPI,),
    ),
    Target(
        name="dada",
        folder="spectrometer/daq/protocol",
        read=read_dada,
        raises=(dada.DadaHeaderError,),
        samples=(DADA,),
    ),
    Target(
        name="live-frames",
        folder="spectrometer/daq/protocol",
        read=read_frames,
        raises=(ValueError,),
    ),
    Target(
        name="checksums",
        folder="spectrometer/daq/protocol",
        read=add_words,
        samples=(b"12345678901",),
    ),
)
