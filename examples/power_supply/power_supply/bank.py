"""The Bank: what callers may do with the power supply."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
from pydantic import Field

from player.bank import Bank, BankContext
from player.tables import BankConfig
from power_supply.device import Device
from power_supply.scpi import ScpiError, set_voltage
from power_supply.simulator import SimulatedSupply
from zmqjsonproxy.channels.properties import message, pipe, published
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.interface import command, current_operation, operation, query

__all__ = ["PowerSupply", "PowerSupplyConfig"]

STEP_S = 0.1


class PowerSupplyConfig(BankConfig):
    """`[banks.X]` of kind `power-supply`."""

    device: str = Field(min_length=1, description="path of the serial port")
    limit_v: float = Field(default=30.0, gt=0, le=60, description="no caller can set more, V")
    ramp_v_per_s: float = Field(default=1.0, gt=0, description="speed of `ramp`, V/s")


class PowerSupply(Bank):
    """One power supply."""

    voltage = published(0.0, unit="V", doc="Voltage at the terminals, read each second.")
    limit = published(
        30.0,
        unit="V",
        doc="Highest voltage that is taken; above it the output trips.",
        writable=True,
    )
    tripped = message(doc="The output was switched off: `volts` were above the `limit`.")
    trace = pipe(
        unit="V", x_unit="s", doc="Voltage during a ramp, shape (steps,); NaN is still to come."
    )

    def __init__(self, context: BankContext) -> None:
        super().__init__(context)
        assert isinstance(context.config, PowerSupplyConfig)
        self._config: PowerSupplyConfig = context.config
        self.limit = self._config.limit_v
        self._simulator: SimulatedSupply | None = None
        self._device: Device | None = None

    @classmethod
    def config_model(cls) -> type[BankConfig]:
        return PowerSupplyConfig

    def open(self) -> None:
        if self.context.simulate:
            self._simulator = SimulatedSupply()
        self._device = Device(
            self._simulator.path if self._simulator is not None else self._config.device
        )
        self.log.info("%s is %s", self.name, self._device.ask("*IDN?"))

    def close(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            try:
                device.ask("OUTP OFF")
            except (ScpiError, OSError) as error:
                self.log.error(
                    "the output of %s may still be on, it could not be switched off: %s",
                    self.name,
                    error,
                )
            finally:
                device.close()
        simulator, self._simulator = self._simulator, None
        if simulator is not None:
            simulator.close()

    def watchdog(self) -> None:
        """Read the voltage, and switch the output off if it is above the limit."""
        if self._device is None:
            return
        volts = self._read_back()
        if volts > self.limit:
            self.off()
            self.tripped(volts=volts, limit=self.limit)

    @limit.checked_by
    def _check_limit(self, volts: float) -> float:
        if not 0 <= volts <= self._config.limit_v:
            raise RefusedError(f"limit is {volts:g}; expected 0 to {self._config.limit_v:g} V")
        return volts

    def _read_back(self) -> float:
        self.voltage = volts = self.device.number("MEAS:VOLT?")
        return volts

    @query
    def get_status(self) -> dict[str, Any]:
        """Output now: set_v, volts (V), amperes (A), on, and whether it is simulated."""
        device = self.device
        return {
            "set_v": device.number("VOLT?"),
            "volts": device.number("MEAS:VOLT?"),
            "amperes": device.number("MEAS:CURR?"),
            "on": device.ask("OUTP?") == "1",
            "simulated": self.context.simulate,
        }

    @command
    def set_voltage(self, volts: float) -> None:
        """Set the voltage at once, V."""
        self._check(volts)
        self.device.ask(set_voltage(volts))
        self._read_back()

    @command
    def output(self, on: bool) -> None:
        """Switch the output."""
        if not isinstance(on, bool):  # "off" is true to Python
            raise RefusedError(f"on is {on!r:.80}; expected true or false")
        self.device.ask(f"OUTP {'ON' if on else 'OFF'}")
        self._read_back()

    @command(urgent=True)
    def off(self) -> None:
        """Switch the output off now, and end a ramp."""
        self.device.ask("OUTP OFF")
        self._read_back()

    @operation
    def ramp(self, volts: float) -> float:
        """Go to a voltage (V) at the configured speed; the voltage at the terminals. An abort
        leaves it where it is."""
        self._check(volts)
        handle, clock = current_operation(), self.context.clock
        ended = threading.Event()
        handle.on_abort(ended.set)
        begin = self.device.number("VOLT?")
        steps = max(math.ceil(abs(volts - begin) / self._config.ramp_v_per_s / STEP_S), 1)
        trace = np.full(steps, np.nan)
        for step in range(1, steps + 1):
            now = begin + (volts - begin) * step / steps
            self.device.ask(set_voltage(now))
            trace[step - 1] = self._read_back()
            self.trace(trace, x_start=STEP_S, x_delta=STEP_S)
            handle.progress(step / steps, f"{now:.2f} V")
            if step < steps:
                clock.wait(ended, STEP_S)
            handle.check()
        return self._read_back()

    @property
    def device(self) -> Device:
        """The device, for endpoints; RefusedError while the Bank is closed."""
        if self._device is None:
            raise RefusedError(f"{self.name} is closed")
        return self._device

    def _check(self, volts: float) -> None:
        if (
            isinstance(volts, bool)
            or not isinstance(volts, int | float)
            or not 0 <= volts <= self.limit
        ):
            raise RefusedError(f"volts is {volts!r:.80}; expected 0 to {self.limit:g} V")
