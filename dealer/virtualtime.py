"""A clock that is moved instead of waited for: while it holds, sleeping takes no time and everybody
sees its time.

It moves only when every thread waits, to the moment for which the first of them waits, and lets
them go on one at a time. It holds for a whole process, from `take_time` on: for the functions of
`time`, `datetime.now`, `date.today` and all that asyncio waits for; with `dealer.virtualthreads`
for all that `threading` and `queue` wait for. It does not hold for what compiled code asks the
system itself, nor for `subprocess` and `multiprocessing`, which wait for programs.
"""

from __future__ import annotations

import _thread
import asyncio
import contextlib
import datetime
import math
import os
import select
import selectors
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date as RealDate  # noqa: N812  # classes of the module that only looks so
from datetime import datetime as RealDatetime  # noqa: N812
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Self

__all__ = ["VirtualClock", "Waiter", "real_time", "replace_everywhere", "take_time"]

LONGEST_S = 30 * 86400.0
LOOK_EVERY_S = 0.005
STILL_S = 0.03
"""A thread that has used no processor for so long in real time waits for something outside of the
plan, s."""
OTHERS = ("multiprocessing", "subprocess")
"""Modules that wait for other programs, which have the real time."""
KEPT = ("_thread", "importlib", "_frozen_importlib", "_frozen_importlib_external")
"""Modules below all others, which keep what they have."""

_TASKS = Path("/proc/self/task")

real_time = SimpleNamespace(**vars(time))
"""The functions of `time`, as they were."""


class Waiter:
    """One thread that waits.

    Attributes:
        due: Virtual time until which it does, s since the start; None: it does not wait for a time.
        is_ready: Tells whether what it waits for beside that has come; None: somebody wakes it.
        is_due: It goes on because its time has come.
    """

    __slots__ = ("due", "gate", "is_due", "is_ready")

    def __init__(self, due: float | None, is_ready: Callable[[], bool] | None = None) -> None:
        self.due, self.is_ready, self.is_due = due, is_ready, False
        self.gate = _thread.allocate_lock()
        self.gate.acquire()


class VirtualClock:
    """Begins at a full second, now or at a given time, and stands still while anybody does
    something.

    Args:
        start: Unix time, s; None: the next full second.

    Attributes:
        start: Unix time at which it began, s.
        elapsed: Since then, s.
        on_endless: Called when more time would pass than anybody plans; does not return.
        on_doubt: Called with the thread identities that wait for something outside of the plan,
            before it moves all the same.
        on_move_in_child: Called when it first moves in a child made by `fork`, whose time is not
            the parent's.
    """

    def __init__(self, start: float | None = None) -> None:
        self.start: float = float(math.ceil(real_time.time() if start is None else start))
        self.elapsed = 0.0
        self._monotonic: float = real_time.monotonic()
        self.on_endless: Callable[[], object] = _raise_endless
        self.on_doubt: Callable[[set[int]], object] = lambda threads: None
        self.on_move_in_child: Callable[[], object] = lambda: None
        self._is_copy = self._is_told_of_copy = False
        self._reset()
        os.register_at_fork(after_in_child=self._become_a_copy)

    def _reset(self) -> None:
        self.mutex = _thread.RLock()
        self._running: dict[int, int] = {_thread.get_ident(): threading.get_native_id()}
        self._starting = 0  # threads that go on, but have not yet got to say so
        self._waiting: list[Waiter] = []
        self._listeners: list[Callable[[], object]] = []
        self._stillness: tuple[object, float] = (None, 0.0)

    def _become_a_copy(self) -> None:
        self._is_copy = True
        self._reset()

    def time(self) -> float:
        """Unix time, s."""
        return self.start + self.elapsed

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return self._monotonic + self.elapsed

    def now(self, tz: datetime.tzinfo | None = None) -> datetime.datetime:
        """The time as a datetime."""
        return RealDatetime.fromtimestamp(self.time(), tz)

    @property
    def is_shared(self) -> bool:
        """There are other threads."""
        return len(self._running) + self._starting + len(self._waiting) > 1

    # waiting

    def sleep(self, seconds: float) -> None:
        """Wait; ValueError and TypeError as of `time.sleep`."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self.wait(Waiter(self.elapsed + seconds))

    def wait(self, waiter: Waiter, has_it: Callable[[], bool] = lambda: False) -> bool:
        """Let this thread wait; False if its time came before anything else.

        Args:
            waiter: Who waits, for what.
            has_it: Asked first, with the mutex held: it need not wait.
        """
        with self.mutex:
            if has_it():
                return True
            if (
                not self.is_shared
                and waiter.due is not None
                and not (waiter.is_ready and waiter.is_ready())
            ):
                waiter.is_due = True
                self._move(waiter.due)
                return False
            me = _thread.get_ident()
            self._running.pop(me, None)
            self._waiting.append(waiter)
            self._go_on()
        try:
            while not waiter.gate.acquire(timeout=LOOK_EVERY_S):
                with self.mutex:
                    self._look()
        finally:
            with self.mutex:
                if waiter in self._waiting:  # an exception, of a signal
                    self._waiting.remove(waiter)
                else:
                    self._starting -= 1
                self._running[me] = threading.get_native_id()
        return not waiter.is_due

    def pause(self, seconds: float, longest: float) -> None:
        """Wait as somebody does who looks every `seconds`, and will see nothing for `longest`
        unless it is told.

        Args:
            seconds: Between two looks.
            longest: A multiple of it.
        """
        begun, waiter = self.elapsed, Waiter(self.elapsed + longest)

        def go_on() -> None:
            with self.mutex:
                if waiter in self._waiting:
                    self.wake(waiter)

        with self.listening(go_on):
            is_told = self.wait(waiter)
        if is_told:
            self.sleep(self.until_look(begun, seconds))

    def until_look(self, begun: float, every: float) -> float:
        """Return the time until the next of regular looks, s."""
        return every - (self.elapsed - begun) % every if every > 0 else 0.0

    @contextlib.contextmanager
    def listening(self, function: Callable[[], object]) -> Iterator[None]:
        """Call a function when somebody tells of a change, within the block."""
        self._listeners.append(function)
        try:
            yield
        finally:
            self._listeners.remove(function)

    def tell_change(self) -> None:
        """Let those look who pause: something has changed that nobody foresaw."""
        for function in list(self._listeners):
            function()

    def wake(self, waiter: Waiter) -> None:
        """Let a thread go on; the mutex is held."""
        self._waiting.remove(waiter)
        self._starting += 1
        waiter.gate.release()

    def _go_on(self) -> None:
        """Let the next one go on if nobody does anything; the mutex is held."""
        if not self._running and not self._starting:
            self._let_next()

    def _let_next(self) -> None:
        if self._let_ready():
            return
        timed = [
            (waiter.due, number)
            for number, waiter in enumerate(self._waiting)
            if waiter.due is not None
        ]
        if timed:
            due, number = min(timed)
            waiter = self._waiting[number]
            waiter.is_due = True
            self._move(due)
            self.wake(waiter)

    def _let_ready(self) -> bool:
        for waiter in self._waiting:
            if waiter.is_ready is not None and waiter.is_ready():
                self.wake(waiter)
                return True
        return False

    def _look(self) -> None:
        """Look at what does not tell of itself: descriptors, and threads that wait outside of the
        plan."""
        if self._let_ready() or self._starting:
            return
        for ident, native in list(self._running.items()):
            if _TASKS.is_dir() and not (_TASKS / str(native)).exists():
                del self._running[ident]
        if not self._running:
            self._let_next()
            return
        if all(waiter.due is None for waiter in self._waiting):
            return
        seen = {ident: _effort(native) for ident, native in self._running.items()}
        now, (before, since) = real_time.monotonic(), self._stillness
        if None in seen.values() or seen != before:
            self._stillness = (seen, now)
        elif now - since >= STILL_S:
            self._stillness = (None, now)
            self.on_doubt(set(seen))
            self._let_next()

    def _move(self, due: float) -> None:
        if due > LONGEST_S:
            self.on_endless()
        if self._is_copy and due > self.elapsed and not self._is_told_of_copy:
            self._is_told_of_copy = True
            self.on_move_in_child()
        self.elapsed = max(self.elapsed, due)

    # threads

    @contextlib.contextmanager
    def begin_thread(self) -> Iterator[None]:
        """Count a thread that is to be started, in the thread that starts it."""
        with self.mutex:
            self._starting += 1
        try:
            yield
        except BaseException:
            with self.mutex:
                self._starting -= 1
            raise

    @contextlib.contextmanager
    def in_thread(self, at_end: Callable[[], object]) -> Iterator[None]:
        """Count a thread as long as it runs, in this thread; `at_end` is called last."""
        me = _thread.get_ident()
        with self.mutex:
            self._starting -= 1
            self._running[me] = threading.get_native_id()
        try:
            yield
        finally:
            with self.mutex:
                at_end()
                self._running.pop(me, None)
                self._go_on()


class EndlessError(BaseException):
    """More virtual time has passed than anybody plans."""


def _raise_endless() -> None:
    raise EndlessError(f"more than {LONGEST_S / 86400:g} days")


def _effort(native: int) -> object:
    """Return the processor time of a thread that waits for something; None: it runs, or wants
    to."""
    if not _TASKS.is_dir():
        return b""  # another system, where time is all that tells
    try:
        if (_TASKS / str(native) / "stat").read_bytes().rpartition(b")")[2].split()[0] not in (
            b"S",
            b"D",
        ):
            return None
        return (_TASKS / str(native) / "schedstat").read_bytes()
    except OSError:  # it has just ended
        return None


# the time of everybody


def take_time(clock: VirtualClock) -> None:
    """From now on, let everybody in this process have a clock's time, and nobody wait. There is no
    way back."""

    def moment(seconds: float | None) -> float:
        return clock.time() if seconds is None else seconds

    def local() -> Any:
        return real_time.localtime(clock.time())

    def clock_gettime(which: int) -> float:
        known = {real_time.CLOCK_REALTIME: clock.time, real_time.CLOCK_MONOTONIC: clock.monotonic}
        return known[which]() if which in known else float(real_time.clock_gettime(which))

    moved: dict[str, Callable[..., Any]] = {
        "time": clock.time,
        "monotonic": clock.monotonic,
        "perf_counter": clock.monotonic,
        "sleep": clock.sleep,
        "time_ns": lambda: int(clock.time() * 1e9),
        "monotonic_ns": lambda: int(clock.monotonic() * 1e9),
        "perf_counter_ns": lambda: int(clock.monotonic() * 1e9),
        "clock_gettime": clock_gettime,
        "clock_gettime_ns": lambda which: int(clock_gettime(which) * 1e9),
        "gmtime": lambda seconds=None: real_time.gmtime(moment(seconds)),
        "localtime": lambda seconds=None: real_time.localtime(moment(seconds)),
        "ctime": lambda seconds=None: real_time.ctime(moment(seconds)),
        "asctime": lambda t=None: real_time.asctime(local() if t is None else t),
        "strftime": lambda form, t=None: real_time.strftime(form, local() if t is None else t),
    }
    moved = {name: _named(function, name) for name, function in moved.items()}
    for name, function in moved.items():
        setattr(time, name, function)
    real_select = select.select

    def virtual_select(rlist: Any, wlist: Any, xlist: Any, timeout: float | None = None, /) -> Any:
        if timeout is None or rlist or wlist or xlist:
            return real_select(rlist, wlist, xlist, timeout)
        clock.sleep(max(timeout, 0))  # an old way to sleep
        return [], [], []

    places: dict[Any, Any] = {
        getattr(real_time, name): function for name, function in moved.items()
    }
    places |= {
        real_select: virtual_select,
        RealDatetime: _datetime_of(clock),
        RealDate: _date_of(clock),
    }
    replace_everywhere(places)
    for module in list(sys.modules.values()):
        if _is_of(module, OTHERS) and vars(module).get("time") is time:
            vars(module)["time"] = real_time
    asyncio.set_event_loop_policy(_Policy(clock))


def _named(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return a function that is pickled as that of `time` whose place it takes."""

    def named(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    named.__module__, named.__name__, named.__qualname__ = "time", name, name
    return named


def replace_everywhere(places: dict[Any, Any]) -> None:
    """Put functions and classes in the place of others, in all modules that have them under any
    name."""
    by_identity = {id(real): another for real, another in places.items()}
    for module in list(sys.modules.values()):
        if module is sys.modules[__name__] or _is_of(module, OTHERS + KEPT):
            continue
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if (another := by_identity.get(id(value))) is not None:
                vars(module)[name] = another


def _is_of(module: ModuleType, packages: tuple[str, ...]) -> bool:
    return str(getattr(module, "__name__", "")).partition(".")[0] in packages


class _Virtual(type):
    """Lets objects of the real class, which compiled code makes, be of the virtual one."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__mro__[1])

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.__mro__[1])


def _datetime_of(clock: VirtualClock) -> type[RealDatetime]:
    class VirtualDatetime(RealDatetime, metaclass=_Virtual):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Self:
            return cls.fromtimestamp(clock.time(), tz)

        @classmethod
        def utcnow(cls) -> Self:
            return cls.fromtimestamp(clock.time(), datetime.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Self:
            return cls.fromtimestamp(clock.time())

    VirtualDatetime.__module__ = VirtualDatetime.__name__ = VirtualDatetime.__qualname__ = (
        "datetime"
    )
    return VirtualDatetime


def _date_of(clock: VirtualClock) -> type[RealDate]:
    class VirtualDate(RealDate, metaclass=_Virtual):
        @classmethod
        def today(cls) -> Self:
            return cls.fromtimestamp(clock.time())

    VirtualDate.__name__ = VirtualDate.__qualname__ = "date"
    VirtualDate.__module__ = "datetime"
    return VirtualDate


class _Selector(selectors.DefaultSelector):
    """Waits in virtual time where an event loop would wait, or until another thread or program has
    news for it."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        has_news = super().select
        due = None if timeout is None else self._clock.elapsed + timeout
        self._clock.wait(Waiter(due, lambda: bool(has_news(0))))
        return super().select(0)


class _Policy(asyncio.DefaultEventLoopPolicy):
    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.SelectorEventLoop(_Selector(self._clock))
