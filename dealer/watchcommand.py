"""The command `dealer watch`: what Banks publish, as it comes."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from commandline import DONE, FAILED, argument, command, count, number_of_seconds, say
from dealer.commands import QUESTION_TIMEOUT, banks_named
from dealer.following import SubscriptionFollower, subscribed
from dealer.livescreen import LiveScreen
from dealer.players import find_players
from dealer.propertynames import lacking_names, names_by_bank, read_properties
from dealer.publishedproperties import BANKS
from dealer.services import open_hub
from zmqjsonproxy import CallTimeoutError, PeerLostError, ThreadHub

if TYPE_CHECKING:
    from dealer.watchviews import View
    from zmqjsonproxy.channels.subscription import Subscription
    from zmqjsonproxy.channels.updates import Event, Update

__all__ = ["COMMAND", "COUNT", "FOR", "RATE"]

FRAME_PIXELS = 16
"""Frames of pipes, of which only the range is shown, come as the bounds of so many pixels."""
FIRST_ANSWERS_S = 0.5
"""So long units are waited for before anything is shown, s."""


def _limit(name: str) -> Callable[[str], float]:
    """Return the type of an argument that is a limit of subscriptions."""

    def number(text: str) -> float:
        from zmqjsonproxy.channels.protocol.limits import read_limits

        try:
            value = float(text)
            read_limits({name: value})
            return value
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return number


COUNT = argument("--count N", "end after so many updates; default: at Ctrl-C", type=count)
FOR = argument("--for SECONDS", "end after so long", dest="seconds", type=number_of_seconds)
RATE = argument(
    "--rate R",
    "updates of each property per second at most, the last of a burst always; default: all",
    type=_limit("rate"),
    default=0.0,
)


def _watch(options: argparse.Namespace) -> int:
    urls = find_players(None, options.config)
    known, chosen = list(urls), banks_named(options.banks, list(urls))
    words = options.names or ["*"]
    wanted = names_by_bank(words, known, chosen)
    players = {bank: urls[bank] for bank in wanted}
    follower = SubscriptionFollower(wanted=wanted, most=options.count, seconds=options.seconds)
    limits = {"rate": options.rate, "dead_band": options.dead_band}
    if not options.json:
        limits["width"] = FRAME_PIXELS
    with (
        open_hub() as hub,
        subscribed(players, wanted, **limits) as subscription,
    ):
        view = _view(subscription, list(wanted), options.json)
        by_word = {word: names_by_bank([word], known, chosen) for word in words}
        watched = _Watched(hub, players, by_word, view)
        end = follower.follow(subscription, watched)
        view.end()
    complaint = follower.complaint(end)
    if complaint:
        say("dealer", complaint)
    return FAILED if complaint else DONE


def _view(subscription: Subscription, banks: Sequence[str], as_json: bool) -> View:
    from dealer.watchviews import JsonView, LineView, TableView

    screen = LiveScreen()
    if as_json:
        return JsonView(subscription)
    return TableView(subscription, screen, banks) if screen.is_shown else LineView(subscription)


class _Watched:
    """Hands what comes on to a view, and asks Players what they publish, for its units.

    Args:
        hub: Asks.
        players: Bank -> URL.
        by_word: Word of the command line -> Bank -> names and patterns.
        view: What people see.
    """

    def __init__(
        self,
        hub: ThreadHub,
        players: Mapping[str, str],
        by_word: Mapping[str, Mapping[str, Sequence[str]]],
        view: View,
    ) -> None:
        self._hub, self._players, self._by_word, self._view = hub, players, by_word, view
        self._asked: dict[str, Any] = {}
        self._names: dict[str, list[str]] = {}
        self._said: set[str] = set()
        self._patience = FIRST_ANSWERS_S
        for bank in players:
            self._ask(bank)

    def take(self, update: Update) -> None:
        """Pass an update on."""
        self._view.take(update)

    def note(self, event: Event) -> None:
        """Pass an event on; a Player that is there is asked."""
        from zmqjsonproxy.channels.updates import EventKind

        if event.kind is EventKind.ABSENT:  # said below, of all names that a Bank has not
            return
        self._view.note(event)
        if event.kind in (EventKind.OPENED, EventKind.REOPENED):
            self._ask(event.source)

    def look(self) -> None:
        """Take what Players have answered; the first time wait for it a little."""
        end, self._patience = time.monotonic() + self._patience, 0.0
        for bank, asked in list(self._asked.items()):
            try:
                error = asked.exception(max(end - time.monotonic(), 0.0))
            except TimeoutError:
                continue
            del self._asked[bank]
            self._take_answer(bank, error, None if error else asked.result())
        self._view.look()

    def _ask(self, bank: str) -> None:
        url = self._players[bank]
        self._asked[bank] = self._hub.begin(
            url, "bank", "list_properties", timeout=QUESTION_TIMEOUT
        )

    def _take_answer(self, bank: str, error: BaseException | None, properties: Any) -> None:
        if isinstance(error, PeerLostError | CallTimeoutError):
            self._view.say(bank, f"waits for its Player: {error}")
        elif error is None:
            told = read_properties(properties)
            self._names[bank] = list(told)
            self._view.describe(
                bank, {name: str(one.get("unit", "")) for name, one in told.items()}
            )
            for sentence in lacking_names(self._by_word, self._names):
                if sentence not in self._said:
                    self._said.add(sentence)
                    self._view.say(bank, sentence)


COMMAND = command(
    "watch",
    _watch,
    "show what Banks publish as it comes: values, rates, losses, until Ctrl-C",
    argument("names PROPERTY", "[BANK.]NAME, or a pattern as 'status.*'; default: all", nargs="*"),
    BANKS,
    RATE,
    argument(
        "--dead-band D",
        "numbers that differ by no more than D from the one before are left out",
        type=_limit("dead_band"),
        default=0.0,
    ),
    COUNT,
    FOR,
    description="Show what Banks publish as it comes: on a terminal as a table, else a line for each update. "
    "Players need not be there yet.",
)
