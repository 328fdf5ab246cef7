"""Table of what subscribers see of live channels in which something goes wrong.

`python tools/channel_faults.py [WORD...]` prints it, in about eight minutes; with words, the cases
that have one of them in their names. Players and readers are processes of their own, on loopback;
lines are cut, delayed and stopped by a relay.
"""

from __future__ import annotations

import gc
import itertools
import json
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import zmq

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support.player_run import clean_environment, free_port
from support.publisher import Publisher, is_whole
from support.reader import Reader
from support.watcher import Watcher

from dealer import Dealer
from player.testing.wire import Wire
from zmqjsonproxy import ServerSettings
from zmqjsonproxy.channels.settings import LinkSettings
from zmqjsonproxy.channels.subscription import Subscription
from zmqjsonproxy.channels.updates import EventKind

RATE = 1000.0
FLOW_S = 1.0
WITHIN_S = 120.0
MIB = 2**20
MAX_GROWS = 5 * ServerSettings().max_waiting_bytes
"""A Player: updates that wait for its socket's thread, and for clients that do not take them."""
Case = Callable[[], Iterator[str]]
CASES: dict[str, Case] = {}


class WrongError(Exception):
    """Broken promise: something else was seen."""


def case(name: str) -> Callable[[Case], Case]:
    """Enter a case in the table; it yields what was seen."""

    def enter(function: Case) -> Case:
        CASES[name] = function
        return function

    return enter


def check(is_so: object, text: str) -> None:
    """Raise WrongError, if it is not."""
    if not is_so:
        raise WrongError(text)


def eventually(condition: Callable[[], object], what: str) -> float:
    """Wait for a condition; how long it took, s."""
    begun = time.monotonic()
    while not condition():
        check(time.monotonic() - begun < WITHIN_S, f"{what}: not within {WITHIN_S:g} s")
        time.sleep(0.01)
    return time.monotonic() - begun


def dealer(stack: ExitStack, url: str) -> Any:
    """Return a proxy of the Bank at a URL."""
    return stack.enter_context(Dealer({"BANKA": url}, timeout=WITHIN_S))["BANKA"]


def counted(subscription: Subscription, sent: int) -> str:
    """Return its counts; WrongError: they are not what was sent."""
    told = f"sent {sent}: received {subscription.received}, lost {subscription.lost}"
    check(subscription.received + subscription.lost == sent, told)
    return f"{told}, re-opened {subscription.reopened}"


def newest(subscription: Subscription) -> int:
    """Return the number of the newest update."""
    update = subscription.latest()
    return 0 if update is None else update.number


# Players


def restarted(pause_s: float, end: str) -> Iterator[str]:
    """A Player that ends under way, and another one in its place."""
    here = f"tcp://127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        first = stack.enter_context(Publisher(here, rate=RATE))
        next_ = stack.enter_context(Publisher(here, held=True, rate=RATE))
        subscription = stack.enter_context(Watcher(LinkSettings())).subscribe(here, "number")
        before = subscription.next(WITHIN_S).number - 1
        subscription.wait_for(lambda update: update.number > FLOW_S * RATE, WITHIN_S)
        getattr(first.process, end)()
        first.process.wait()
        ended = time.monotonic()
        stale_s = eventually(lambda: subscription.stale or subscription.reopened, "stale")
        of_first = newest(subscription)
        time.sleep(pause_s)
        begun = time.monotonic()
        next_.begin()
        eventually(lambda: subscription.reopened and not subscription.stale, "open again")
        fresh_s = time.monotonic() - begun
        subscription.wait_for(lambda update: update.time > time.time() - 0.5, WITHIN_S)
        last = dealer(stack, here).flow(0)
        eventually(lambda: newest(subscription) == last, "the last value")
        away = time.monotonic() - ended
        told = counted(subscription, of_first - before + last)
        yield f"{told}; stale after {stale_s:.2f} s, fresh {fresh_s:.2f} s after the start ({away:.1f} s)"


@case("Player killed, back at once")
def killed() -> Iterator[str]:
    """SIGKILL, and the next one serves a moment later."""
    return restarted(0.0, "kill")


@case("Player killed, back after 3 s")
def killed_for_long() -> Iterator[str]:
    """SIGKILL."""
    return restarted(3.0, "kill")


@case("Player ended, back after 1 s")
def ended() -> Iterator[str]:
    """SIGTERM."""
    return restarted(1.0, "terminate")


@case("Player frozen 20 s")
def frozen() -> Iterator[str]:
    """SIGSTOP, SIGCONT."""
    with ExitStack() as stack:
        player = stack.enter_context(Publisher(rate=RATE))
        watcher = stack.enter_context(Watcher(LinkSettings()))
        subscription = watcher.subscribe(player.url, "number")
        first = subscription.next(WITHIN_S).number
        subscription.wait_for(lambda update: update.number > FLOW_S * RATE, WITHIN_S)
        player.suspend()
        stale_s = eventually(lambda: subscription.stale, "stale")
        time.sleep(20)
        player.resume()
        fresh_s = eventually(lambda: not subscription.stale, "open again")
        last = dealer(stack, player.url).flow(0)
        eventually(lambda: newest(subscription) == last, "the last value")
        told = counted(subscription, last - first + 1)
        yield f"{told}; stale after {stale_s:.2f} s, fresh after {fresh_s:.2f} s"


@case("20 Players of 500 keys killed, back at once")
def many_killed() -> Iterator[str]:
    """All of an array."""
    with ExitStack() as stack:
        urls = {f"BANK{n}": f"tcp://127.0.0.1:{free_port()}" for n in range(20)}
        first = [stack.enter_context(Publisher(url, keys=500)) for url in urls.values()]
        watcher = stack.enter_context(Watcher(LinkSettings()))
        all_of_them = [watcher.subscribe(u, "key.*", source=n) for n, u in urls.items()]
        eventually(lambda: all(each.received >= 500 for each in all_of_them), "present values")
        for player in first:
            player.kill()
        eventually(lambda: all(each.stale for each in all_of_them), "stale")
        again = [stack.enter_context(Publisher(url, keys=500)) for url in urls.values()]
        took = eventually(lambda: not any(each.stale for each in all_of_them), "open again")
        eventually(lambda: all(e.received == 1000 for e in all_of_them), "present values")
        check(sum(each.lost for each in all_of_them) == 0, "some are lost")
        yield f"{len(again)} x 500 values once more, lost 0, none stale {took:.2f} s after the last start"


# lines


def over_a_line(fault: Callable[[Wire, Subscription], object]) -> Iterator[str]:
    """A line that fails under way."""
    with ExitStack() as stack:
        player = stack.enter_context(Publisher())
        wire = stack.enter_context(Wire(int(player.url.rpartition(":")[2])))
        watcher = stack.enter_context(Watcher(LinkSettings()))
        subscription = watcher.subscribe(wire.url, "number")
        first = subscription.next(WITHIN_S).number
        bank = dealer(stack, player.url)
        bank.flow(RATE)
        subscription.wait_for(lambda update: update.number > FLOW_S * RATE, WITHIN_S)
        fault(wire, subscription)
        eventually(lambda: not subscription.stale, "open again")
        last = bank.flow(0)
        eventually(lambda: newest(subscription) == last, "the last value")
        reasons = {e.text for e in subscription.events if e.kind is EventKind.STALE}
        because = f"; {', '.join(sorted(reasons))}" if reasons else ""
        yield counted(subscription, last - first + 1) + because


@case("line cut, whole at once")
def cut() -> Iterator[str]:
    """A reset."""

    def fault(wire: Wire, subscription: Subscription) -> None:
        wire.cut()
        eventually(lambda: subscription.reopened, "open again")

    return over_a_line(fault)


@case("line cut 100 times")
def cut_often() -> Iterator[str]:
    """Resets."""

    def fault(wire: Wire, subscription: Subscription) -> None:
        for times in range(1, 101):
            wire.cut()
            eventually(lambda times=times: subscription.reopened >= times, "open again")  # type: ignore[misc]

    return over_a_line(fault)


@case("line down 5 s")
def down() -> Iterator[str]:
    """Connections are refused."""

    def fault(wire: Wire, subscription: Subscription) -> None:
        wire.down()
        eventually(lambda: subscription.stale, "stale")
        time.sleep(5)
        wire.up()

    return over_a_line(fault)


@case("line a black hole 10 s")
def black_hole() -> Iterator[str]:
    """Nothing is passed on, nothing is reset."""

    def fault(wire: Wire, subscription: Subscription) -> None:
        wire.stop()
        eventually(lambda: subscription.stale, "stale")
        time.sleep(10)
        wire.up()

    return over_a_line(fault)


@case("line stalls 0.4 s, 10 times")
def stalls() -> Iterator[str]:
    """Shorter than is taken for an end."""

    def fault(wire: Wire, subscription: Subscription) -> None:
        for _ in range(10):
            wire.stop()
            time.sleep(0.4)
            wire.up()
            time.sleep(0.2)

    return over_a_line(fault)


@case("line with 300 ms round trip")
def delayed() -> Iterator[str]:
    """Each way takes half of it."""

    def fault(wire: Wire, subscription: Subscription) -> None:
        wire.delay_s = 0.15
        time.sleep(5)

    return over_a_line(fault)


@case("5,000 patterns over a line that is cut")
def patterns() -> Iterator[str]:
    """All deliver again."""
    with ExitStack() as stack:
        player = stack.enter_context(Publisher(keys=5000))
        wire = stack.enter_context(Wire(int(player.url.rpartition(":")[2])))
        watcher = stack.enter_context(Watcher(LinkSettings()))
        names = [f"key.{n}" for n in range(5000)]
        subscription = watcher.subscribe(wire.url, *names)
        eventually(lambda: subscription.received == 5000, "present values")
        wire.down()
        eventually(lambda: subscription.stale, "stale")
        wire.up()
        took = eventually(lambda: not subscription.stale, "open again")
        dealer(stack, player.url).touch(5000, 1)
        eventually(lambda: subscription.received + subscription.lost == 10_000, "all")
        shown = [subscription.latest(name) for name in names]
        check(all(each and each.value == 1 for each in shown), "some values are old")
        yield f"{counted(subscription, 10_000)}; all 5,000 show the new value; open after {took:.2f} s"


@case("8 MiB frames over a line of 4 MB/s")
def slow_line() -> Iterator[str]:
    """Each takes longer than what is silence otherwise."""
    with ExitStack() as stack:
        player = stack.enter_context(Publisher())
        wire = stack.enter_context(Wire(int(player.url.rpartition(":")[2])))
        watcher = stack.enter_context(Watcher(LinkSettings()))
        subscription = watcher.subscribe(wire.url, "frames")
        bank = dealer(stack, player.url)
        bank.send_frames(1, 1000)
        first = subscription.next(WITHIN_S).number
        wire.bytes_per_s = 4e6
        bank.send_frames(20, 8 * MIB)
        eventually(lambda: newest(subscription) == first + 20, "the last frame")
        whole = [subscription.next(0) for _ in range(subscription.received - 1)]
        check(all(map(is_whole, whole)), "a frame was changed")
        yield counted(subscription, 21)


@case("8 readers that want 5 times what their line takes")
def shared_line() -> Iterator[str]:
    """All get less, and all something."""
    with ExitStack() as stack:
        player = stack.enter_context(Publisher())
        wire = stack.enter_context(Wire(int(player.url.rpartition(":")[2])))
        wire.bytes_per_s = 20e6
        watchers = [stack.enter_context(Watcher(LinkSettings())) for _ in range(8)]
        bank = dealer(stack, player.url)
        bank.send_frames(1, MIB)
        readers = [each.subscribe(wire.url, "frames", policy="latest") for each in watchers]
        eventually(lambda: all(each.received for each in readers), "present values")
        first, begun = newest(readers[0]), time.monotonic()
        for n in itertools.count():
            if time.monotonic() - begun > 20:
                break
            time.sleep(max(begun + n / 12 - time.monotonic(), 0))
            bank.send_frames(1, MIB)
        sent = n
        eventually(lambda: all(newest(each) == first + sent for each in readers), "the last one")
        told = [counted(each, sent + 1) for each in readers]
        received = [each.received for each in readers]
        check(min(received) > max(received) / 3, f"some got too little: {received}")
        reasons = {e.text for each in readers for e in each.events if e.kind is EventKind.STALE}
        yield f"{told[0]}; received by each: {received}; {', '.join(sorted(reasons))}"


# readers


@case("10 million updates, a slow reader")
def many_updates() -> Iterator[str]:
    """Three policies, one of them with a callback that takes its time."""
    with ExitStack() as stack:
        player = stack.enter_context(Publisher())
        watcher = stack.enter_context(Watcher(LinkSettings()))
        options: dict[str, dict[str, Any]] = {
            "drop_oldest": {"callback": lambda _: time.sleep(0.001), "most": 1000},
            "latest": {"policy": "latest"},
            "nobody reads": {"most": 1000},
        }
        readers = {
            name: watcher.subscribe(player.url, "number", **each) for name, each in options.items()
        }
        eventually(lambda: all(each.received for each in readers.values()), "present values")
        before = psutil.Process().memory_info().rss
        bank, last = dealer(stack, player.url), 0
        for _ in range(10):
            last = bank.count("number", 1_000_000)
        for name, each in readers.items():
            eventually(lambda each=each: newest(each) == last, "the last value")  # type: ignore[misc]
            grown = (psutil.Process().memory_info().rss - before) / MIB
            yield f"{name}: {counted(each, last)}, dropped {each.dropped}; {grown:+.0f} MiB here"


@case("8 readers, one slow")
def one_slow() -> Iterator[str]:
    """The others keep all."""
    with ExitStack() as stack:
        player = stack.enter_context(Publisher())
        watcher = stack.enter_context(Watcher(LinkSettings()))
        slow = watcher.subscribe(player.url, "number", most=10, callback=lambda _: time.sleep(0.1))
        others = [watcher.subscribe(player.url, "number") for _ in range(7)]
        eventually(lambda: all(each.received for each in (slow, *others)), "present values")
        last = dealer(stack, player.url).count("number", 100_000, pause_every=100)
        eventually(lambda: all(newest(each) == last for each in others), "the last value")
        check(not any(each.lost for each in others), "others lost some")
        told = f"7 x {others[0].received} received, lost 0"
        yield f"{told}; the slow one: {counted(slow, last)}, dropped {slow.dropped}"


@case("a reader frozen 60 s, 8 MiB frames")
def frames() -> Iterator[str]:
    """SIGSTOP; memory of the Player, and what another one gets."""
    with ExitStack() as stack:
        player = stack.enter_context(Publisher())
        bank = dealer(stack, player.url)
        bank.send_frames(1, 8 * MIB)
        still = stack.enter_context(Reader(player.url, "frames"))
        watcher = stack.enter_context(Watcher(LinkSettings()))
        other = watcher.subscribe(player.url, "frames")
        other.next(WITHIN_S)
        still.suspend()
        before, most, sent, begun = bank.memory(), 0, 1, time.monotonic()
        while time.monotonic() - begun < 60:
            bank.send_frames(1, 8 * MIB)
            sent += 1
            check(is_whole(other.next(WITHIN_S)), "a frame was changed")
            most = max(most, bank.memory() - before)
        check(most < MAX_GROWS, f"the Player grew by {most / MIB:.0f} MiB")
        still.resume()
        eventually(lambda: still.report()["newest"] == sent, "the last frame")
        told = still.report()
        check(told["received"] + told["lost"] == sent, str(told))
        yield f"Player {most / MIB:+.0f} MiB; the other: {counted(other, sent)}, all whole"
        counts = ", ".join(f"{name} {told[name]}" for name in ("received", "lost", "reopened"))
        yield f"the frozen one, after: sent {sent}: {counts}"


@case("a reader frozen 20 s at 100 Hz")
def late() -> Iterator[str]:
    """Age of what it gets first."""
    with ExitStack() as stack:
        player = stack.enter_context(Publisher(rate=100.0))
        still = stack.enter_context(Reader(player.url, "number"))
        bank = dealer(stack, player.url)
        still.suspend()
        time.sleep(20)
        still.resume()
        now = bank.flow(0)
        eventually(lambda: still.report()["newest"] == now, "the last value")
        told = still.report()
        first = told["first"]
        check(told["received"] + told["lost"] == now - first + 1, str(told))
        counts = ", ".join(f"{name} {told[name]}" for name in ("received", "lost", "reopened"))
        yield f"sent {now - first + 1}: {counts}"


ENDS = """
import sys, threading
from dealer import Dealer
d = Dealer({"BANKA": sys.argv[1]})
d.subscribe("*", lambda _: None)
threading.Thread(target=lambda: list(d.subscribe("number")), daemon=True).start()
d.subscribe("number").next(120)
print("ready", flush=True)
sys.stdin.readline()
"""


@case("a program that ends, its Player frozen")
def program_ends() -> Iterator[str]:
    """With a callback, and a thread that waits."""
    with ExitStack() as stack:
        player = stack.enter_context(Publisher(rate=RATE))
        program = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", ENDS, player.url],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=clean_environment(),
            )
        )
        check(program.stdout and program.stdout.readline() == "ready\n", "it did not begin")
        player.suspend()
        begun = time.monotonic()
        _, trouble = program.communicate("\n", timeout=WITHIN_S)
        took = time.monotonic() - begun
        check(took < 2 and not trouble, f"{took:.1f} s; {trouble}")
        yield f"ended with status {program.returncode} after {took:.2f} s, without a word"


@case("10,000 subscriptions ended by finalisers")
def finalisers() -> Iterator[str]:
    """In reference cycles, while a thread collects."""
    with ExitStack() as stack:
        player = stack.enter_context(Publisher(rate=RATE))
        watcher = stack.enter_context(Watcher(LinkSettings()))
        is_over = threading.Event()

        class Owner:
            def __init__(self) -> None:
                self.itself, self.its = self, watcher.subscribe(player.url, "number", most=10)

            def __del__(self) -> None:
                self.its.close()

        def collect() -> None:
            while not is_over.wait(0.01):
                gc.collect()

        collecting = threading.Thread(target=collect)
        collecting.start()
        made = [weakref.ref(Owner().its) for _ in range(10_000)]
        is_over.set()
        collecting.join()
        gc.collect()
        eventually(lambda: not any(weakly() for weakly in made), "the end of all")
        after = watcher.subscribe(player.url, "number")
        first = after.next(WITHIN_S).number
        last = dealer(stack, player.url).flow(0)
        eventually(lambda: newest(after) == last, "the last value")
        yield f"all ended; one more: {counted(after, last - first + 1)}"


# clients that mean no good


def hello(context: zmq.Context[Any], url: str, wishes: list[Any]) -> zmq.Socket[bytes]:
    """Return a connection that has subscribed."""
    made: zmq.Socket[bytes] = context.socket(zmq.DEALER)
    made.linger, made.rcvhwm = 0, 1
    made.connect(url)
    request = {"jsonrpc": "2.0", "id": 1, "method": "rpc.subscribe", "params": [wishes]}
    made.send(json.dumps(request).encode())
    check(made.poll(1000 * WITHIN_S), "no answer")
    made.recv_multipart()
    return made


@case("10,000 connections that subscribe and vanish")
def vanished() -> Iterator[str]:
    """Memory of the Player."""
    with ExitStack() as stack:
        player = stack.enter_context(Publisher(keys=300))
        bank = dealer(stack, player.url)
        context = stack.enter_context(zmq.Context())
        grown = []
        before = bank.memory()
        for _ in range(10):
            for _ in range(1000):
                hello(context, player.url, [["bank", "*", {}]]).close()
            bank.touch(1, 1)
            grown.append(f"{(bank.memory() - before) / MIB:.0f}")
        bank.touch(300, 2)
        eventually(lambda: bank.clients() == 0, "all forgotten")
        yield f"forgotten all; MiB more after each 1,000: {', '.join(grown)}"


@case("a client that never reads")
def never_reads() -> Iterator[str]:
    """Memory of the Player; when it is forgotten."""
    with ExitStack() as stack:
        player = stack.enter_context(Publisher(rate=RATE))
        bank = dealer(stack, player.url)
        context = stack.enter_context(zmq.Context())
        before = bank.memory()
        connection = hello(context, player.url, [["bank", "*", {}]])
        begun, most, sent = time.monotonic(), 0, itertools.count(1)
        while bank.clients():
            bank.send_frames(next(sent), MIB)
            most = max(most, bank.memory() - before)
            check(time.monotonic() - begun < WITHIN_S, "it is not forgotten")
        connection.close()
        check(most < MAX_GROWS, f"the Player grew by {most / MIB:.0f} MiB")
        yield f"forgotten after {time.monotonic() - begun:.1f} s; Player {most / MIB:+.0f} MiB"


def main(words: list[str]) -> int:
    """Print the table; 1 if something was not as it is promised."""
    wrong = 0
    print("| case | seen |\n|---|---|", flush=True)
    for name, run in CASES.items():
        if words and not any(word.lower() in name.lower() for word in words):
            continue
        try:
            for seen in run():
                print(f"| {name} | {seen} |", flush=True)
        except (WrongError, TimeoutError) as error:
            wrong += 1
            print(f"| {name} | WRONG: {error} |", flush=True)
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
