"""Status memory of one Bank: owned while it is open, monitored for damage, published, given up at the
end."""

from __future__ import annotations

from player.bank import BankContext
from spectrometer.config import SpectrometerBankConfig
from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.errors import StatusMemoryError
from spectrometer.status.owner import Ownership
from spectrometer.status.publisher import StatusPublisher
from zmqjsonproxy.channels.properties import PropertyTable

__all__ = ["StatusMemory", "holder_name"]


def holder_name(bank: str) -> str:
    """Return what others are told of a Bank that owns a memory."""
    return f"Bank {bank}"


class StatusMemory:
    """The memory of one Bank.

    Args:
        context: Of the Bank; one that is simulated runs no foreign programs, so it needs neither
            buffers nor FIFOs.
        config: Its table.
        table: Where the keys are published.
    """

    def __init__(
        self, context: BankContext, config: SpectrometerBankConfig, table: PropertyTable
    ) -> None:
        self._names, self._log, self._table = config.status_memory, context.log, table
        self._ownership = Ownership(
            config.shared_names(simulate=context.simulate), holder_name(context.name)
        )
        self._status: StatusBuffer | None = None
        self._publisher: StatusPublisher | None = None
        self._told: list[str] = []

    def open(self) -> StatusBuffer:
        """Become the owner of the memory and of what belongs to it, attach it, and publish it.

        Raises:
            StatusOwnedError: Another program is the owner.
            StatusMemoryError: It cannot be had.
        """
        self._ownership.take()
        names = self._names
        self._status = StatusBuffer(names.key, names.semaphore, keep=self._keep)
        self._publisher = StatusPublisher(self._status, self._table, names.publish_hz, self._log)
        return self._status

    def announce_end(self) -> None:
        """Let whoever wants to be the next owner wait instead of being refused."""
        self._ownership.announce_end()

    def close(self) -> None:
        """Remove a memory of the Bank's own, if nobody uses it, and give the names up; also after a
        failed `open`."""
        status, self._status = self._status, None
        if self._publisher is not None:
            self._publisher.close()
        try:
            if status is not None and self._names.is_private:
                status.unlink_unless_used()
        except StatusMemoryError as error:
            self._log.warning("%s", error)
        finally:
            if status is not None:
                status.close()
            # last: who comes next finds all of the old memory, or nothing of it
            self._ownership.close()

    def look(self) -> None:
        """Tell the log once of damage, and once that it is gone; make anew what somebody has
        removed."""
        if (status := self._status) is None:
            return
        try:
            self._keep()
            damaged = "status memory is damaged, repair_status puts it right"
            found = [f"{damaged}: {damage}" for damage in status.damage()]
        except StatusMemoryError as error:
            found = [f"the status memory cannot be had: {error}"]
        if found == self._told:
            return
        for text in found:
            self._log.error("%s", text)
        if not found:
            self._log.info("status memory is whole again")
        self._told = found

    def _keep(self) -> None:
        """Stay the owner, whoever removes lock files; StatusOwnedError, StatusLockFileError: that
        cannot be."""
        if lost := self._ownership.keep():
            self._log.warning(
                "lock files of %s were removed by another program, and made anew",
                " and ".join(lost),
            )
