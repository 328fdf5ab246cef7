"""A ROACH board over KATCP: its FPGA's image, registers and memories, read and written, Ethernet
cores and I2C bus.

Registers are 32-bit words, big-endian. All methods block until the board has answered, and raise
BoardError if it does not or will not.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping, Sequence

from spectrometer.errors import LinkAddressError
from spectrometer.instruments.errors import BoardError
from spectrometer.instruments.katcp import Argument, BoardConnection, KatcpReply
from zmqjsonproxy.interface import command

__all__ = ["Roach"]

WORD = 4
MAX_TAP_NAME = 8
MAX_WORD = 2**32 - 1
MAX_BYTES = 2**31 - 1


class Roach:
    """One board; what is marked is `bank.roach` for callers, under the names of the original's
    client.

    Everything is a command, reading too: it waits its turn behind whatever the Bank is doing with
    the board. Bytes may be given as clients without bytes have them: as base64 text, or as a list
    of numbers.
    """

    def __init__(self, host: str, port: int = 7147, timeout_s: float = 30.0) -> None:
        self.connection = BoardConnection(host, port, timeout_s)

    @property
    def name(self) -> str:
        """host:port."""
        return self.connection.name

    def close(self) -> None:
        """End the connection."""
        self.connection.close()

    # what a Backend needs

    def program(self, image: str) -> None:
        """De-program the FPGA and load an image; takes seconds."""
        self.connection.request("progdev")
        self.progdev(image)

    def write_changed(self, values: Mapping[str, int | bytes]) -> list[str]:
        """Write what differs, and read all that was written back; names of the registers that were
        written.

        Integers are compared with the registers' contents; bytes are always written.
        """
        words = [name for name, value in values.items() if isinstance(value, int)]
        found = self.connection.requests("read", [("read", name, 0, WORD) for name in words])
        present = {
            name: b"".join(reply.arguments[:1]) for name, reply in zip(words, found, strict=True)
        }
        new = {name: _packed(value) for name, value in values.items()}
        new = {name: data for name, data in new.items() if present.get(name) != data}
        self.connection.requests("write", [("write", name, 0, data) for name, data in new.items()])
        after = self.connection.requests(
            "read", [("read", name, 0, len(data)) for name, data in new.items()]
        )
        for (name, data), reply in zip(new.items(), after, strict=True):
            self._compare(name, data, b"".join(reply.arguments[:1]))
        return list(new)

    def start_tap(self, tap: str, core: str, ip: str, port: int, mac: int) -> None:
        """Give an Ethernet core its address and start it."""
        self.tap_start(tap, core, mac, ip, port)

    def write_i2c(self, address: int, data: bytes) -> None:
        """Write bytes to a device on the board's I2C bus."""
        self.connection.request("i2c-write", address, len(data), data)

    # what callers may do, too

    @command
    def progdev(self, image: str | None = None) -> str:
        """Load an image of the board into the FPGA; without a name de-program it. The first word of
        the reply."""
        if image is None:
            self.connection.request("progdev")
        elif not isinstance(image, str) or not image or "/" in image:
            raise BoardError(
                self.name,
                f"?progdev {image}",
                "not sent: an image is a file's name without a folder",
            )
        else:
            self.connection.request("progdev", image)
        return "ok"

    @command
    def read(self, register: str, size: int, offset: int = 0) -> bytes:
        """Read `size` bytes of a register or memory, from byte `offset` on."""
        self._whole(
            f"?read {register}", ("size", size, 0, MAX_BYTES), ("offset", offset, 0, MAX_BYTES)
        )
        reply = self.connection.request("read", register, offset, size)
        data = reply.arguments[0] if reply.arguments else b""
        if len(data) != size:
            raise BoardError(
                self.name, f"?read {register} {offset} {size}", f"ok, but with {len(data)} bytes"
            )
        return data

    @command
    def write(self, register: str, data: bytes | str | list[int], offset: int = 0) -> None:
        """Write bytes, a multiple of 4, to a register or memory, from byte `offset` on; reads them
        back and compares.

        Args:
            register: Its name.
            data: Bytes, or base64 text, or numbers 0 to 255.
            offset: In bytes.

        Raises:
            BoardError: Something else is read back.
        """
        data = self._bytes(register, data)
        self.blindwrite(register, data, offset)
        self._compare(register, data, self.read(register, len(data), offset), offset)

    def _compare(self, register: str, data: bytes, found: bytes, offset: int = 0) -> None:
        if found == data:
            return
        request = f"?write {register} {offset} ({len(data)} bytes)"
        if len(found) != len(data):
            raise BoardError(self.name, request, f"ok, but {len(found)} bytes are read back")
        first = next(i for i, (a, b) in enumerate(zip(found, data, strict=True)) if a != b)
        raise BoardError(
            self.name,
            request,
            f"ok, but byte {offset + first} reads {found[first]:#04x}, not {data[first]:#04x}",
        )

    @command
    def blindwrite(self, register: str, data: bytes | str | list[int], offset: int = 0) -> None:
        """Write bytes as `write` does, without reading them back."""
        data = self._bytes(register, data)
        self._whole(f"?write {register} ({len(data)} bytes)", ("offset", offset, 0, MAX_BYTES))
        if len(data) % WORD or offset % WORD:
            raise BoardError(
                self.name,
                f"?write {register} {offset} ({len(data)} bytes)",
                "not sent: offset and length are multiples of 4 bytes",
            )
        self.connection.request("write", register, offset, data)

    @command
    def read_int(self, register: str, offset: int = 0) -> int:
        """Read the register, or word `offset` of a memory, as a signed number."""
        return int.from_bytes(self._word(register, offset), "big", signed=True)

    @command
    def read_uint(self, register: str, offset: int = 0) -> int:
        """Read the register, or word `offset` of a memory, as a number without sign."""
        return int.from_bytes(self._word(register, offset), "big")

    def _word(self, register: str, offset: int) -> bytes:
        self._whole(f"?read {register}", ("offset", offset, 0, MAX_BYTES // WORD))
        return self.read(register, WORD, offset * WORD)

    @command
    def write_int(self, register: str, value: int, offset: int = 0) -> None:
        """Write a number, -2^31 to 2^32 - 1, to the register or word `offset` of a memory; reads it
        back."""
        self._whole(
            f"?write {register}",
            ("a register holds 32 bits; value", value, -(2**31), MAX_WORD),
            ("offset", offset, 0, MAX_BYTES // WORD),
        )
        self.write(register, (value & 0xFFFFFFFF).to_bytes(WORD, "big"), offset * WORD)

    @command
    def wordread(self, register: str, offset: int = 0, count: int = 1) -> list[int]:
        """Read words, numbers without sign, from word `offset` on."""
        most = MAX_BYTES // WORD
        self._whole(f"?wordread {register}", ("offset", offset, 0, most), ("count", count, 1, most))
        reply = self.connection.request("wordread", register, offset, count)
        return [int(word, 0) for word in reply.arguments]

    @command
    def wordwrite(self, register: str, offset: int, values: list[int]) -> None:
        """Write words, numbers without sign, from word `offset` on."""
        request = f"?wordwrite {register}"
        if not isinstance(values, list | tuple) or not values:
            raise BoardError(
                self.name,
                request,
                f"not sent: values is {values!r:.40}; expected a list of numbers",
            )
        self._whole(
            request,
            ("offset", offset, 0, MAX_BYTES // WORD),
            *((f"value {number}", value, 0, MAX_WORD) for number, value in enumerate(values)),
        )
        self.connection.request("wordwrite", register, offset, *(f"{value:#x}" for value in values))

    @command
    def tap_start(self, tap: str, core: str, mac: int, ip: int | str, port: int) -> None:
        """Start an Ethernet core as network device `tap` with a MAC and IP address and a UDP
        port."""
        request = f"?tap-start {tap} {core}"
        if not isinstance(tap, str) or not 0 < len(tap) <= MAX_TAP_NAME:
            raise BoardError(
                self.name,
                request,
                f"not sent: the name of a tap has 1 to {MAX_TAP_NAME} characters",
            )
        self._whole(request, ("port", port, 0, 65535), ("MAC address", mac, 0, (1 << 48) - 1))
        try:
            address = str(ipaddress.IPv4Address(ip))
        except ValueError as error:
            raise LinkAddressError(f"{request}: {error}") from error
        self.connection.request(
            "tap-start", tap, core, address, port, mac.to_bytes(6, "big").hex(":").upper()
        )

    @command
    def tap_stop(self, core: str) -> None:
        """Stop an Ethernet core."""
        self.connection.request("tap-stop", core)

    @command
    def listdev(self) -> list[str]:
        """Names of the registers of the running image."""
        return _names(self.connection.request("listdev"))

    @command
    def listbof(self) -> list[str]:
        """Names of the images on the board."""
        return _names(self.connection.request("listbof"))

    @command
    def status(self) -> bool:
        """Tell whether an image runs."""
        try:
            self.connection.request("status")
        except BoardError as error:
            if error.reply.startswith("fail"):
                return False
            if not error.reply.startswith("invalid"):
                raise
            try:  # newer servers have renamed it
                self.connection.request("fpgastatus")
            except BoardError as again:
                if not again.reply.startswith("fail"):
                    raise
                return False
        return True

    @command
    def ping(self) -> bool:
        """Tell whether the board answers; BoardError if it does not."""
        self.connection.request("watchdog")
        return True

    @command
    def request(self, name: str, arguments: Sequence[Argument] | None = None) -> list[list[bytes]]:
        """Any request of the board's server: the informs' arguments, and at last the reply's
        without `ok`."""
        if not isinstance(arguments, list | tuple | None):
            text = f"not sent: arguments is {arguments!r:.40}; expected a list"
            raise BoardError(self.name, f"?{name!s:.40}", text)
        reply = self.connection.request(name, *(arguments or []))
        return [*reply.informs, reply.arguments]

    @command
    def read_i2c(self, address: int, count: int = 1) -> bytes:
        """Read bytes of a device on the board's I2C bus."""
        self._whole("?i2c-read", ("address", address, 0, 127), ("count", count, 1, 4096))
        reply = self.connection.request("i2c-read", address, count)
        if len(reply.arguments) < 2 or len(reply.arguments[1]) != count:
            raise BoardError(
                self.name,
                f"?i2c-read {address} {count}",
                f"ok {reply.arguments}, not {count} bytes",
            )
        return reply.arguments[1]

    # what may come from afar

    def _whole(self, request: str, *numbers: tuple[str, object, int, int]) -> None:
        """BoardError that names all of these (what it is, number, lowest, highest) that are no such
        whole numbers."""
        wrong = [
            f"{what} {value!r:.40}: expected a whole number, {low} to {high}"
            for what, value, low, high in numbers
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high
        ]
        if wrong:
            raise BoardError(self.name, request, f"not sent: {'; '.join(wrong)}")

    def _bytes(self, register: str, data: object) -> bytes:
        """The bytes themselves, of base64 text, or of a list of numbers."""
        try:
            if isinstance(data, bytes | bytearray | memoryview):
                return bytes(data)
            if isinstance(data, str):
                return base64.b64decode(data, validate=True)
            if isinstance(data, list | tuple):
                return bytes(data)
        except (ValueError, TypeError):
            pass  # said below, as for all that is none of these
        text = f"not sent: data {data!r:.40}: expected bytes, base64 text, or a list of numbers, 0 to 255"
        raise BoardError(self.name, f"?write {register!s:.80}", text)


def _packed(value: int | bytes) -> bytes:
    return value if isinstance(value, bytes) else (value & 0xFFFFFFFF).to_bytes(WORD, "big")


def _names(reply: KatcpReply) -> list[str]:
    return [inform[0].decode("ascii", "replace") for inform in reply.informs if inform]
