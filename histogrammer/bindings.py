"""Bindings: spectra in the display memory, and the copies of what has changed of them. Used in the
thread of the engine, whose spectra they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from groundwork.closing import Closing
from histogrammer.display.binder import Binder
from histogrammer.display.memory import DisplayMemory
from histogrammer.display.snapshot import Snapshot
from histogrammer.errors import DisplayMemoryError
from histogrammer.spectra.stripchart import KIND as STRIP
from histogrammer.spectrum import Spectrum

__all__ = ["Bindings"]

_REFRESH_S = 2


class Bindings(Mapping[str, int], Closing):
    """Name of each spectrum in the display memory -> its slot.

    Args:
        memory: Closed with it; None: nothing can be bound.
        spectra: All that there are, by name.
        note: Told of each change, in the words of a trace.
        clock: Monotonic time, s.

    Attributes:
        memory: The display memory; None: there is none.
        refresh_every: Time between copies into the display memory, s.
    """

    def __init__(
        self,
        memory: DisplayMemory | None,
        spectra: Mapping[str, Spectrum],
        note: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        self.memory, self._spectra, self._note, self._clock = memory, spectra, note, clock
        self._binder = None if memory is None else Binder(memory.header, memory.channels)
        self._shown: dict[str, int] = {}  # versions of what the memory has
        self.refresh_every = float(_REFRESH_S)
        self._refreshed_at = clock()

    def close(self) -> None:
        """Remove the display memory."""
        if self.memory is not None:
            self.memory.close()

    def __getitem__(self, name: str) -> int:
        return self._slots[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._slots)

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def _slots(self) -> Mapping[str, int]:
        return {} if self._binder is None else self._binder.slots

    def bind(self, name: str) -> int:
        """Put a spectrum into the display memory, with its contents, and return the slot.

        Raises:
            DisplayMemoryError: There is no such spectrum, it is there already, or there is no slot or
                room for it.
        """
        spectrum = self._spectra.get(name)
        slot = self._bound().bind(name, None if spectrum is None else spectrum.definition)
        self._note(f"add {name} {slot}")
        self._show([self._spectra[name]])
        return slot

    def unbind(self, name: str) -> None:
        """Take a spectrum out of the display memory.

        Raises:
            DisplayMemoryError: It is not there.
        """
        slot = self._bound().unbind(name)
        self._shown.pop(name, None)
        self._note(f"remove {name} {slot}")

    def clear(self, name: str) -> None:
        """Set the copy of a spectrum to zero, if it is bound."""
        if self._binder is not None:
            self._binder.clear(name)

    def tick(self, now: float) -> None:
        """Refresh the display memory when that is due; `now`: s, monotonic."""
        if now - self._refreshed_at >= self.refresh_every:
            self.refresh()

    def refresh(self) -> None:
        """Copy the contents of all bound spectra that have changed into the display memory."""
        self._refreshed_at = self._clock()
        self._show(self._spectra.values())

    def _show(self, spectra: Iterable[Spectrum]) -> None:
        """Copy what has changed of bound spectra, and the limits of axes that move."""
        if self._binder is None:
            return
        changed = [
            each
            for each in spectra
            if each.name in self._binder and self._shown.get(each.name) != each.version
        ]
        cells = {each.name: each.contents.cells for each in changed}
        moving = {
            each.name: each.shown.x_axis
            for each in changed
            if each.definition.kind == STRIP.letters
        }
        self._binder.refresh(cells, moving)
        self._shown |= {each.name: each.version for each in changed}

    def snapshot(self, before: Snapshot | None = None) -> Snapshot:
        """Return what the display memory holds; `before` itself, if it still holds that.

        Raises:
            DisplayMemoryError: There is none.
        """
        return self._bound().snapshot(before)

    def _bound(self) -> Binder:
        if self._binder is None:
            raise DisplayMemoryError("There is no display memory")
        return self._binder
