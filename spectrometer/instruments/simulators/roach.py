"""A simulated ROACH board: KATCP on a TCP port, with registers, images, Ethernet cores, I2C
devices, a synthesizer on its serial port, and arming by the pulse per second. It says that it is
simulated when a client connects.

Faults are switched on with `?sim-fault KIND [ARGUMENT]`, also from another process:

    slow SECONDS      replies take so long
    refuse REQUEST    this request fails
    drop REQUEST      the connection is cut when this request comes
    garbage REQUEST   bytes that are no KATCP come before the reply
    unprogrammed      the image is lost
    readback REGISTER reading gives something else than was written
    unlocked          the synthesizer loses its lock
    none              all faults are off
"""

# No `from __future__ import annotations`: the library reads the arguments' types from the
# annotations.

import asyncio
import math
import struct
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from aiokatcp.connection import FailReply, InvalidReply
from aiokatcp.core import Message
from aiokatcp.sensor import Sensor
from aiokatcp.server import DeviceServer, RequestContext

from groundwork.closing import Closing
from spectrometer.derive.synthesizer import (
    RF_LEVELS_DBM,
    SYNTHESIZERS,
    FrameCommand,
    Options,
    Pll,
    reference_mhz,
    tune,
)
from spectrometer.instruments.simulators.valon import LOCKED, SimulatedValon

__all__ = ["FAULTS", "BoardSimulator", "SimulatedBoard"]

FAULTS = ("slow", "refuse", "drop", "garbage", "unprogrammed", "readback", "unlocked", "none")
HISTORY, SHOWN = 1000, 64
"""So many requests are remembered, and so much of each of their arguments: a mixer's table has 4
KiB."""
ARM_REGISTERS = ("arm", "ARM")
NOISE_I2C = 0x38


class SimulatedBoard(DeviceServer):
    """One board on an event loop; `BoardSimulator` gives it a thread.

    Args:
        host, port: To serve on; port 0 for one that the system chooses. images: Image -> register
        -> size in bytes. protocol: Version to announce: "4.9", "5.0-MI", or "" for a server that
        says nothing but `#version`.
    """

    VERSION = "roach-simulator-1.0"
    BUILD_STATE = "roach-simulator-1.0"

    def __init__(
        self, host: str, port: int, images: Mapping[str, Mapping[str, int]], protocol: str = "4.9"
    ) -> None:
        super().__init__(host, port)
        self.images, self.protocol = images, protocol
        self.image: str | None = None
        self.memory: dict[str, bytearray] = {}
        self.taps: dict[str, tuple[str, ...]] = {}
        self.i2c: dict[int, bytes] = {NOISE_I2C: b"\0"}
        self.valon = SimulatedValon()
        self.valon_port: str | None = None
        self.faults: dict[str, str] = {}
        self.history: deque[tuple[str, ...]] = deque(maxlen=HISTORY)
        self.started = Sensor(
            float, "start-time", "second (unix) at which the armed image began; 0: not armed", "s"
        )
        self.started.set_value(0.0)
        self.sensors.add(self.started)

    # the connection

    def send_version_info(self, ctx: RequestContext, *, send_reply: bool = True) -> None:
        if not self.protocol:
            ctx.conn.write_messages(
                [Message.inform("version", "simulated"), Message.inform("build-state", "simulated")]
            )
            return
        ctx.informs(
            [
                ("katcp-protocol", self.protocol),
                ("katcp-library", "aiokatcp", "simulated"),
                ("katcp-device", self.VERSION, "simulated"),
            ],
            send_reply=send_reply,
        )

    async def _handle_request(self, ctx: RequestContext) -> None:
        name = ctx.req.name
        self.history.append(
            (name, *(argument[:SHOWN].decode("latin-1") for argument in ctx.req.arguments))
        )
        if name != "sim-fault":
            await self._disturb(ctx, name)
        await super()._handle_request(ctx)

    async def _disturb(self, ctx: RequestContext, name: str) -> None:
        if self.faults.get("drop") == name:
            ctx.conn.abort()
            raise FailReply("dropped")
        if (seconds := self.faults.get("slow")) is not None:
            await asyncio.sleep(float(seconds))
        if self.faults.get("garbage") == name:
            ctx.conn._transport.write(  # noqa: SLF001 (aiokatcp writes messages only)
                b"\x00\xff?? !! garbage\n@@\n"
            )
        if self.faults.get("refuse") == name:
            raise FailReply("refused, as the fault that was switched on says")

    async def unhandled_request(self, ctx: RequestContext, req: Message) -> None:
        raise InvalidReply("unknown command")

    async def request_halt(self, ctx: RequestContext) -> None:
        """End the server, which the board's own init starts again at once: without its image, for
        all clients anew."""
        self._unload()
        ctx.reply("ok")
        await ctx.drain()
        for client in list(self._connections):
            client.write_message(Message.inform("disconnect", "server shutting down"))
            client.close()

    async def request_restart(self, ctx: RequestContext) -> None:
        """Start the server anew, as `halt` does."""
        await self.request_halt(ctx)

    async def request_sim_fault(self, ctx: RequestContext, kind: str, argument: str = "") -> None:
        """Switch a fault on, or all off."""
        if kind not in FAULTS:
            raise FailReply(f"no such fault; there are {', '.join(FAULTS)}")
        if kind == "none":
            self.faults.clear()
            self.valon.locked = True
        elif kind == "unprogrammed":
            self._unload()
        elif kind == "unlocked":
            self.valon.locked = False
        else:
            self.faults[kind] = argument

    # image and registers

    def _unload(self) -> None:
        self.image = None
        self.memory.clear()
        self.started.set_value(0.0)

    async def request_listbof(self, ctx: RequestContext) -> None:
        """List the images."""
        ctx.informs([(image,) for image in sorted(self.images)])

    async def request_progdev(self, ctx: RequestContext, image: str = "") -> None:
        """Load an image, or de-program."""
        self._unload()
        self.mass_inform("fpga", "down")
        if not image:
            return
        if image not in self.images or "/" in image:
            raise FailReply(f"no image {image} on this board")
        self.image = image
        self.memory = {register: bytearray(size) for register, size in self.images[image].items()}
        self.mass_inform("fpga", "ready")

    def _programmed(self) -> None:
        if self.image is None:
            raise FailReply("not programmed")

    async def request_status(self, ctx: RequestContext) -> None:
        """Tell whether an image runs."""
        self._programmed()

    async def request_fpgastatus(self, ctx: RequestContext) -> None:
        """Tell whether an image runs, by its newer name."""
        self._programmed()

    async def request_listdev(self, ctx: RequestContext, size: str = "") -> None:
        """List the registers of the image."""
        self._programmed()
        for name, content in self.memory.items():
            ctx.inform(name, len(content)) if size == "size" else ctx.inform(name)

    def _place(self, register: str, offset: int, size: int) -> bytearray:
        self._programmed()
        content = self.memory.get(register)
        if content is None:
            raise FailReply(f"unknown register {register}")
        if offset < 0 or size < 0 or offset + size > len(content):
            raise FailReply(
                f"{register} has {len(content)} bytes; {size} at {offset} are beyond its end"
            )
        return content

    async def request_read(
        self, ctx: RequestContext, register: str, offset: int, size: int
    ) -> bytes:
        """Read bytes."""
        data = bytes(self._place(register, offset, size)[offset : offset + size])
        if self.faults.get("readback") == register:
            return bytes(byte ^ 0x01 for byte in data)
        return data

    async def request_write(
        self, ctx: RequestContext, register: str, offset: int, data: bytes
    ) -> None:
        """Write bytes."""
        content = self._place(register, offset, len(data))
        if register in ARM_REGISTERS and offset == 0:
            self._arm_edge(content, data)
        content[offset : offset + len(data)] = data

    def _arm_edge(self, content: bytearray, data: bytes) -> None:
        """Falling edge of the arm register: the image begins at the next pulse per second."""
        if content[-1] & 1 and not data[-1] & 1:
            self.started.set_value(float(math.floor(time.time()) + 1))

    async def request_wordread(
        self, ctx: RequestContext, register: str, offset: int, count: int = 1
    ) -> tuple[str, ...]:
        """Read words."""
        content = self._place(register, offset * 4, count * 4)
        return tuple(f"{word:#x}" for word in struct.unpack_from(f">{count}I", content, offset * 4))

    async def request_wordwrite(
        self, ctx: RequestContext, register: str, offset: int, *words: str
    ) -> None:
        """Write words."""
        try:
            data = struct.pack(f">{len(words)}I", *(int(word, 0) for word in words))
        except (ValueError, struct.error) as error:
            raise FailReply(f"no words: {error}") from error
        await self.request_write(ctx, register, offset * 4, data)

    # the network

    async def request_tap_start(
        self, ctx: RequestContext, tap: str, core: str, ip: str, *more: str
    ) -> None:
        """Start an Ethernet core."""
        self._place(core, 0, 0)
        if not 0 < len(tap) <= 8:
            raise FailReply("the name of a tap has 1 to 8 characters")
        self.taps[core] = (tap, ip, *more)

    async def request_tap_stop(self, ctx: RequestContext, core: str) -> None:
        """Stop an Ethernet core."""
        if self.taps.pop(core, None) is None:
            raise FailReply(f"{core} is not started")

    # I2C

    async def request_i2c_read(
        self, ctx: RequestContext, address: int, count: int
    ) -> tuple[int, bytes]:
        """Read bytes of a device."""
        if address not in self.i2c:
            raise FailReply(f"no device at address {address}")
        return count, self.i2c[address][:count].ljust(count, b"\0")

    async def request_i2c_write(
        self, ctx: RequestContext, address: int, count: int, data: bytes
    ) -> None:
        """Write bytes to a device."""
        if address not in self.i2c or len(data) != count:
            raise FailReply(
                f"no device at address {address}"
                if address not in self.i2c
                else "count is not the length"
            )
        self.i2c[address] = data

    # the synthesizer on the board's serial port

    def _s(self, synth: str) -> int:
        letter = synth.removeprefix("synth_")
        if self.valon_port is None:
            raise FailReply("no port; valon-new-port first")
        if not synth.startswith("synth_") or letter not in SYNTHESIZERS:
            raise FailReply(f"no synthesizer {synth}")
        return SYNTHESIZERS[letter]

    def _pll(self, synth: str) -> Pll:
        return Pll.from_bytes(self.valon.read(FrameCommand.REGISTERS, self._s(synth)))

    def _reference_hz(self) -> int:
        return int.from_bytes(self.valon.read(FrameCommand.REFERENCE, 0), "big")

    def _vco(self, synth: str) -> tuple[int, int]:
        low, high = struct.unpack(">HH", self.valon.read(FrameCommand.VCO_RANGE, self._s(synth)))
        return low, high

    def _store(self, synth: str, pll: Pll) -> None:
        self.valon.write(FrameCommand.REGISTERS, self._s(synth), pll.to_bytes())

    async def request_valon_new_port(self, ctx: RequestContext, port: str) -> None:
        """Use a serial port."""
        self.valon_port = port

    async def request_valon_get_frequency(self, ctx: RequestContext, synth: str) -> tuple[str, str]:
        """MHz."""
        pll = self._pll(synth)
        return synth, str(pll.tuning.frequency(reference_mhz(self._reference_hz(), pll.options)))

    async def request_valon_set_frequency(
        self, ctx: RequestContext, synth: str, mhz: float, spacing: float = 10.0
    ) -> None:
        """Set MHz."""
        pll = self._pll(synth)
        try:
            tuning = tune(
                mhz, spacing, reference_mhz(self._reference_hz(), pll.options), self._vco(synth)
            )
        except ValueError as error:
            raise FailReply(str(error)) from error
        self._store(synth, pll.with_tuning(tuning))

    async def request_valon_get_label(self, ctx: RequestContext, synth: str) -> bytes:
        """16 characters."""
        return self.valon.read(FrameCommand.LABEL, self._s(synth))

    async def request_valon_set_label(
        self, ctx: RequestContext, synth: str, text: bytes = b""
    ) -> None:
        """Set the label."""
        self.valon.write(FrameCommand.LABEL, self._s(synth), text[:16].ljust(16))

    async def request_valon_get_options(
        self, ctx: RequestContext, synth: str
    ) -> tuple[str, int, int, int, int]:
        """Low-spur, doubler, halver, divider."""
        found = self._pll(synth).options
        return synth, int(found.low_spur), int(found.double), int(found.half), found.divider

    async def request_valon_set_options(
        self, ctx: RequestContext, synth: str, low_spur: int, double: int, half: int, divider: int
    ) -> None:
        """Set the options."""
        try:
            self._store(
                synth,
                self._pll(synth).with_options(
                    Options(bool(double), bool(half), divider, bool(low_spur))
                ),
            )
        except ValueError as error:
            raise FailReply(str(error)) from error

    async def request_valon_get_phase_lock(self, ctx: RequestContext, synth: str) -> int:
        """1: locked."""
        self._s(synth)
        return int(bool(self.valon.read(FrameCommand.REFERENCE_SELECT, 0)[0] & LOCKED))

    async def request_valon_get_ref_select(self, ctx: RequestContext) -> int:
        """1: external."""
        return self.valon.read(FrameCommand.REFERENCE_SELECT, 0)[0] & 1

    async def request_valon_set_ref_select(self, ctx: RequestContext, n: int) -> None:
        """1: external."""
        self.valon.write(FrameCommand.REFERENCE_SELECT, 0, bytes([n & 1]))

    async def request_valon_get_reference(self, ctx: RequestContext) -> int:
        """Hz."""
        return self._reference_hz()

    async def request_valon_set_reference(self, ctx: RequestContext, hz: int) -> None:
        """Set Hz."""
        if not 0 < hz < 1 << 32:
            raise FailReply(f"no reference of {hz} Hz")
        self.valon.write(FrameCommand.REFERENCE, 0, hz.to_bytes(4, "big"))

    async def request_valon_get_rf_level(self, ctx: RequestContext, synth: str) -> tuple[str, int]:
        """dBm."""
        return synth, self._pll(synth).rf_level

    async def request_valon_set_rf_level(self, ctx: RequestContext, synth: str, dbm: int) -> None:
        """Set dBm."""
        if dbm not in RF_LEVELS_DBM:
            raise FailReply(f"no level of {dbm} dBm")
        self._store(synth, self._pll(synth).with_rf_level(dbm))

    async def request_valon_get_vco_range(
        self, ctx: RequestContext, synth: str
    ) -> tuple[str, int, int]:
        """MHz."""
        return synth, *self._vco(synth)

    async def request_valon_set_vco_range(
        self, ctx: RequestContext, synth: str, low: int, high: int
    ) -> None:
        """Set MHz."""
        if not 0 < low < high < 1 << 16:
            raise FailReply(f"no VCO range of {low} to {high} MHz")
        self.valon.write(FrameCommand.VCO_RANGE, self._s(synth), struct.pack(">HH", low, high))

    async def request_valon_flash(self, ctx: RequestContext) -> None:
        """Keep the settings."""
        self.valon.write(FrameCommand.FLASH, 0, b"")


class BoardSimulator(Closing):
    """A SimulatedBoard on a thread of its own, on a loopback port that the system chooses.

    Attributes:
        port: Where it serves.
        board: For a look inside; change it with KATCP requests.
    """

    def __init__(
        self, images: Mapping[str, Mapping[str, int]], protocol: str = "4.9", port: int = 0
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="simulated board", daemon=True
        )
        self._thread.start()
        self.board, self.port = asyncio.run_coroutine_threadsafe(
            self._start(images, protocol, port), self._loop
        ).result()

    @staticmethod
    async def _start(
        images: Mapping[str, Mapping[str, int]], protocol: str, port: int
    ) -> tuple[SimulatedBoard, int]:
        board = SimulatedBoard("127.0.0.1", port, images, protocol)
        await board.start()
        address: Any = board.sockets[0].getsockname()
        return board, int(address[1])

    def close(self) -> None:
        """Stop serving; may be called twice."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self.board.stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
