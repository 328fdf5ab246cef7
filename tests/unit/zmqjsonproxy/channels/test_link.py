"""Link: what it asks, and what it makes of answers and notices, also of a stranger's."""

from __future__ import annotations

import math
from collections.abc import Sequence

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from support.counted_calls import calls_of

from zmqjsonproxy.channels import link as module
from zmqjsonproxy.channels.link import Link, LinkState, SubscriptionRequest, Verb
from zmqjsonproxy.channels.protocol.limits import NO_LIMITS, Limits
from zmqjsonproxy.channels.protocol.wishes import Wish
from zmqjsonproxy.channels.settings import LinkSettings
from zmqjsonproxy.channels.updates import Event, EventKind, Update
from zmqjsonproxy.errors import BusyError, NoSuchMethodError, PeerLostError

ALL: Wish = ("bank", "*", NO_LIMITS)
N: Wish = ("bank", "n", NO_LIMITS)
RATED: Wish = ("bank", "n", Limits(rate=1.0))


class Sink:
    def __init__(self) -> None:
        self.updates: list[Update] = []
        self.events: list[Event] = []

    def take(self, updates: Sequence[Update]) -> None:
        self.updates += updates

    def note(self, event: Event) -> None:
        self.events.append(event)

    @property
    def counts(self) -> list[tuple[int, int]]:
        return [(update.number, update.lost) for update in self.updates]

    @property
    def kinds(self) -> list[str]:
        return [event.kind.value for event in self.events]


def opened(*wishes: Wish) -> tuple[Link, Sink]:
    link, sink = Link("BANKA", LinkSettings()), Sink()
    for wish in wishes:
        link.subscribe(wish, sink)
    link.tick(0.0, True)
    assert [ask.verb for ask in link.asks] == ([Verb.OPEN] if wishes else [])
    link.opened("life", 0.0)
    return link, sink


def answer(
    link: Link, *streams: list, session: int = 1, instance: str = "life", ask=None
) -> SubscriptionRequest:
    ask = ask or link.asks.popleft()
    answers = [{"streams": list(streams)}] * len(ask.wishes)
    said = {"instance": instance, "session": session, "answers": answers}
    assert link.answered(ask, said, None, 1.0)
    return ask


def update(link: Link, number: int, count: int, value: object = 0) -> None:
    link.take({"method": "rpc.update", "params": [number, count, 5_000_000, value]}, 2.0)
    link.hand_over()


def newest(link: Link, *counts: int) -> None:
    link.take({"method": "rpc.newest", "params": list(counts)}, 2.0)


def stream(count: int = 1, number: int = 4, name: str = "n", kind: str = "result") -> list:
    value = [] if kind == "message" else [1_000_000, 10 * count]
    return [number, name, kind, count, *value]


def test_first_the_present_value_then_what_comes_and_gaps_are_told() -> None:
    link, sink = opened(N)
    ask = answer(link, stream(7))
    assert ask.params() == [[["bank", "n", {}]]]
    assert sink.updates == [Update("BANKA", "n", 70, 7, 1.0)]
    update(link, 4, 8)
    update(link, 4, 8)
    update(link, 4, 11)
    update(link, 4, 9)
    assert sink.counts == [(7, 0), (8, 0), (11, 2)]
    assert [(event.kind, event.text, event.lost) for event in sink.events[1:]] == [
        (EventKind.GAP, "n", 2)
    ]


def test_the_last_update_before_a_silence_is_asked_for() -> None:
    link, sink = opened(N)
    answer(link, stream(1))
    newest(link, 4, 3)
    newest(link, 4, 3)
    assert len(link.asks) == 1
    answer(link, stream(3))
    assert sink.counts == [(1, 0), (3, 1)]
    assert len(link.asks) == 1, "it was told of once more since"
    answer(link, stream(3))
    assert not link.asks
    assert sink.counts == [(1, 0), (3, 1)]


def test_what_is_newer_than_what_was_told_is_on_its_way() -> None:
    link, sink = opened(N)
    answer(link, stream(1))
    newest(link, 4, 3)
    answer(link, stream(4))
    assert sink.counts == [(1, 0)]
    update(link, 4, 4)
    assert sink.counts == [(1, 0), (4, 2)]


def test_lost_messages_are_counted_and_not_asked_for() -> None:
    link, sink = opened(ALL)
    answer(link, stream(5, kind="message"))
    assert not sink.updates
    newest(link, 4, 7)
    newest(link, 4, 7)
    assert not link.asks
    update(link, 4, 8)
    assert sink.counts == [(8, 0)]
    assert [each.kind for each in sink.updates] == ["message"]
    assert [event.lost for event in sink.events] == [0, 2]


def test_a_stream_that_is_not_known_has_all_asked_for() -> None:
    link, sink = opened(ALL)
    answer(link)
    newest(link, 9, 0, 10, 1)
    answer(link, stream(1, 10, "late"))
    assert sink.counts == [(1, 0)]


def test_a_new_property_is_opened_for_the_limits_that_it_says() -> None:
    link, sink = opened(ALL, RATED)
    answer(link)
    link.take({"method": "rpc.opened", "params": ["bank", 6, "n", "result", {"rate": 1.0}]}, 2.0)
    update(link, 6, 1)
    assert sink.counts == [(1, 0)]
    assert set(link._streams) == {RATED}


def test_a_second_sink_begins_at_the_present_value_alone() -> None:
    link, first = opened(N)
    answer(link, stream(1))
    second = Sink()
    link.subscribe(N, second)
    update(link, 4, 2)
    answer(link, stream(3))
    assert (first.counts, second.counts) == ([(1, 0), (2, 0)], [(3, 0)])
    update(link, 4, 3)
    assert (first.counts, second.counts) == ([(1, 0), (2, 0), (3, 0)], [(3, 0)])


def test_after_a_break_each_sink_of_a_stream_is_told_by_the_first_answer() -> None:
    link, first = opened(N)
    second = Sink()
    link.subscribe(ALL, second)
    for _ in range(len(link.asks)):
        answer(link, stream(1))
    link.lost("cut", 5.0)
    link.tick(5.0, True)
    link.asks.clear()
    link.opened("life", 6.0)
    (ask,) = link.asks
    link.asks.clear()
    link.answered(SubscriptionRequest(ask.verb, (N,), ask.number), said(stream(4)), None, 6.0)
    link.answered(SubscriptionRequest(ask.verb, (ALL,), ask.number), said(stream(4)), None, 6.0)
    assert first.counts == second.counts == [(1, 0), (4, 2)]
    assert first.kinds == ["opened", "stale", "reopened", "gap"]


def said(*streams: list, session: int = 1, instance: str = "life") -> dict:
    return {"instance": instance, "session": session, "answers": [{"streams": list(streams)}]}


@pytest.mark.parametrize("count", [2, 4, 5, 9])
def test_numbers_count_within_a_life_also_if_they_go_on_or_overtake(count: int) -> None:
    link, sink = opened(N)
    answer(link, stream(4))
    link.lost("cut", 5.0)
    link.tick(5.0, True)
    link.asks.clear()
    link.opened("second life", 6.0)
    answer(link, stream(count), instance="second life")
    assert sink.counts == [(4, 0), (count, count - 1)]


def test_another_process_behind_the_same_connection_is_noticed_by_a_heartbeat() -> None:
    link, sink = opened(N)
    answer(link, stream(4))
    link.tick(10.0, True)
    beat = link.asks.popleft()
    assert beat.params() == []
    link.answered(beat, {"instance": "second", "session": 0}, None, 10.0)
    update(link, 4, 5)
    assert sink.counts == [(4, 0)]
    answer(link, stream(5), instance="second")
    assert sink.counts == [(4, 0), (5, 4)]
    assert sink.kinds == ["opened", "reopened", "gap"]


def test_who_was_forgotten_subscribes_to_all_again() -> None:
    link, sink = opened(N)
    answer(link, stream(1))
    other: Wish = ("bank", "m", NO_LIMITS)
    link.subscribe(other, sink)
    answer(link, stream(1, 5, "m"), session=2)
    assert [set(ask.wishes) for ask in link.asks] == [{N, other}]
    answer(link, stream(3), stream(1, 5, "m"), session=2)
    assert sink.counts == [(1, 0), (1, 0), (3, 1)]
    link.tick(20.0, True)
    link.answered(link.asks.popleft(), {"instance": "life", "session": 0}, None, 20.0)
    assert len(link.asks) == 1


def test_what_was_opened_for_one_who_was_then_forgotten_begins_nothing() -> None:
    link, sink = opened(ALL)
    answer(link)
    link.tick(10.0, True)
    link.answered(link.asks.popleft(), {"instance": "life", "session": 0}, None, 10.0)
    link.take({"method": "rpc.opened", "params": ["bank", 6, "late", "result", {}]}, 10.0)
    update(link, 6, 1)
    answer(link, stream(2, 6, "late"), session=2)
    assert sink.counts == [(2, 0)]


def test_who_is_not_there_is_stale_once_for_each_who_waits() -> None:
    link, first, second = Link("BANKA", LinkSettings()), Sink(), Sink()
    link.subscribe(N, first)
    for now in range(3):
        link.tick(float(now), True)
        link.lost("refused", float(now))
    link.subscribe(N, second)
    link.lost("refused", 5.0)
    link.tick(6.0, True)
    link.asks.clear()
    link.opened("life", 6.0)
    link.lost("cut", 7.0)
    assert [(e.kind.value, e.text) for e in first.events] == [
        ("stale", "refused"),
        ("opened", ""),
        ("stale", "cut"),
    ]
    assert second.kinds == first.kinds


def test_a_stream_that_counts_anew_has_another_number() -> None:
    link, sink = opened(RATED)
    answer(link, stream(9))
    link.subscribe(RATED, Sink())
    answer(link, stream(1, number=5))
    update(link, 4, 10)
    update(link, 5, 2)
    assert sink.counts == [(9, 0), (1, 0), (2, 0)]
    assert set(link._by_number) == {5}


def test_a_busy_player_is_asked_again_with_the_next_heartbeat() -> None:
    link, sink = opened(N, RATED)
    ask = link.asks.popleft()
    busy = BusyError("BusyError", "too much waits")
    assert link.answered(ask, None, busy, 1.0)
    link.unsubscribe([RATED], sink)
    assert link.answered(link.asks.popleft(), None, busy, 1.0)
    link.tick(4.0, True)
    assert [(a.verb, a.wishes) for a in link.asks] == [
        (Verb.SUBSCRIBE, (N,)),
        (Verb.UNSUBSCRIBE, (RATED,)),
        (Verb.BEAT, ()),
    ]
    assert link.answered(link.asks.pop(), None, busy, 4.0)
    assert link.state is LinkState.OPEN
    link.asks.clear()
    link.tick(8.0, True)
    assert link.asks[-1].verb is Verb.BEAT
    assert sink.kinds == ["opened"]


def test_a_player_that_knows_no_subscriptions_is_asked_no_more() -> None:
    link, sink = opened(N)
    assert link.answered(link.asks.popleft(), None, NoSuchMethodError("x", "no rpc.subscribe"), 1.0)
    assert link.state is LinkState.ENDED
    assert sink.kinds == ["opened", "refused", "ended"]
    link.lost("cut", 2.0)
    link.tick(3.0, True)
    assert not link.asks
    link.reconnect(4.0)
    link.tick(4.0, True)
    assert link.asks[0].verb is Verb.OPEN


def test_a_lost_answer_gives_the_connection_up() -> None:
    link, sink = opened(N)
    ask = link.asks.popleft()
    assert not link.answered(ask, None, PeerLostError("tcp://x", "rpc.subscribe", "gone"), 1.0)
    assert link.answered(ask, None, PeerLostError("tcp://x", "rpc.subscribe", "gone"), 1.0)
    assert sink.kinds == ["opened", "stale"]


def test_a_player_that_stays_away_is_given_up_until_it_is_wanted() -> None:
    link, sink = Link("BANKA", LinkSettings(drop_after=10.0)), Sink()
    link.subscribe(N, sink)
    link.tick(0.0, False)
    link.tick(10.0, True)
    link.lost("refused", 10.0)
    link.tick(11.0, True)
    assert link.state is LinkState.ENDED
    assert "not there for 10 s: refused" in sink.events[1].text
    link.reconnect(12.0)
    link.tick(13.0, True)
    assert link.state is LinkState.OPENING


def test_a_wish_that_is_refused_is_told_to_its_sinks_in_a_few_words() -> None:
    link, sink = opened(N)
    ask = link.asks.popleft()
    link.answered(ask, {"answers": [{"error": "n" * 10**5}]}, None, 1.0)
    assert sink.kinds == ["opened", "refused"]
    assert len(sink.events[1].text) < 600


def test_what_is_kept_while_another_wish_ends_goes_on_without_a_gap() -> None:
    link, sink = opened(ALL)
    answer(link, stream(1), stream(1, 5, "m"))
    link.subscribe(N, sink)
    link.unsubscribe([ALL, RATED], sink)
    update(link, 4, 2)
    update(link, 5, 2)
    assert [ask.verb for ask in link.asks] == [Verb.SUBSCRIBE, Verb.UNSUBSCRIBE]
    answer(link, stream(2))
    assert sink.counts == [(1, 0), (1, 0), (2, 0)]
    assert set(link._streams) == {N}


def test_an_answer_that_was_on_its_way_at_the_end_begins_nothing() -> None:
    link, first = opened(N)
    early = link.asks.popleft()
    link.unsubscribe([N], first)
    assert link.asks.popleft().verb is Verb.UNSUBSCRIBE
    answer(link, stream(1), ask=early)
    assert not link._streams
    second = Sink()
    link.subscribe(N, second)
    answer(link, stream(1), ask=early)
    assert not second.updates
    answer(link, stream(3))
    assert second.counts == [(3, 0)]


def test_the_end_of_all_leaves_nothing_behind() -> None:
    link, sink = opened()
    for number in range(300):
        link.subscribe(ALL, sink)
        link.subscribe(RATED, sink)
        answer(link, stream(1, 2 * number))
        link.unsubscribe([ALL, RATED], sink)
        link.asks.clear()
    kept = (link.wishes, link._streams, link._by_number, link._since, link._fetched)
    assert not any(kept)
    assert not link._index._exact


def test_streams_are_bounded_and_those_of_the_past_go_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MAX_STREAMS", 3)
    link, sink = opened(ALL)
    answer(link, *(stream(1, k, f"p{k}") for k in range(5)))
    assert len(link._streams) == len(sink.updates) == 3
    link.lost("cut", 1.0)
    link.tick(1.0, True)
    link.asks.clear()
    link.opened("second", 1.0)
    answer(link, *(stream(1, k, f"q{k}") for k in range(3)), instance="second")
    assert {key[1] for key in link._streams} == {"q0", "q1", "q2"}


def test_many_wishes_are_few_questions_and_a_new_property_finds_its_own() -> None:
    link, sink = opened()
    wishes: list[Wish] = [("bank", f"key.{k}", NO_LIMITS) for k in range(1200)]
    for wish in wishes:
        link.subscribe(wish, sink)
    assert [len(ask.wishes) for ask in link.asks] == [500, 500, 200]
    notice = {"method": "rpc.opened", "params": ["bank", 1, "key.7", "result", {}]}
    assert calls_of(lambda: link.take(notice, 1.0)) < 100
    link.asks.clear()
    link.unsubscribe(wishes, sink)
    assert [len(ask.wishes) for ask in link.asks] == [500, 500, 200]


def test_a_third_question_about_subscriptions_waits_for_an_answer() -> None:
    link, sink = opened()
    for k in range(2000):
        link.subscribe(("bank", f"key.{k}", NO_LIMITS), sink)
    first, second = link.next_ask(), link.next_ask()
    assert first is not None
    assert second is not None
    assert link.next_ask() is None
    answer(link, ask=first)
    assert link.next_ask() is not None
    assert link.next_ask() is None
    link.lost("cut", 1.0)
    link.tick(1.0, True)
    reopen = link.next_ask()
    assert reopen is not None
    assert reopen.verb is Verb.OPEN
    link.opened("life", 1.0)
    assert link.next_ask() is not None, "those of before are not waited for"


def test_nothing_of_the_past_is_taken() -> None:
    link, sink = opened(N)
    answer(link, stream(1))
    link.lost("cut", 1.0)
    update(link, 4, 2)
    assert sink.counts == [(1, 0)]


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)
nearly = st.sampled_from([0, 1, 4, 2**63, -1, math.nan, True, "4", [4], "bank", "n", "result", {}])
notices = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["rpc.update", "rpc.newest", "rpc.opened", "rpc.else"]) | json,
        "params": st.lists(nearly | json, max_size=7) | json,
    }
)


@settings(max_examples=60)
@given(st.lists(notices, max_size=5), json, st.lists(st.lists(nearly, max_size=7), max_size=4))
def test_whatever_a_stranger_sends_harms_nobody(sent: list, value: object, streams: list) -> None:
    link, sink = opened(ALL, RATED)
    ask = link.asks.popleft()
    link.answered(ask, said(stream(1)), None, 1.0)
    for notice in sent:
        link.take(notice, 1.0)
    told = {"instance": value, "session": value, "answers": [{"streams": streams}, value]}
    for verb in (Verb.BEAT, Verb.SUBSCRIBE, Verb.UNSUBSCRIBE):
        for one in (value, told, {"answers": value}, {"answers": [{"streams": value}]}):
            link.answered(SubscriptionRequest(verb, (ALL, RATED), 10**6), one, None, 1.0)
    assert link.state is LinkState.OPEN
    assert all(type(each.number) is int for each in sink.updates)
    assert len(link.asks) < 50


def test_a_stranger_s_notices_are_asked_back_for_once() -> None:
    link, _ = opened(ALL)
    answer(link, stream(1))
    for count in range(2, 1000):
        newest(link, 4, count, 99, count)
    assert len(link.asks) == 1


def test_a_property_that_is_not_there_is_named_with_what_was_meant() -> None:
    link, sink = opened(("bank", "scna", NO_LIMITS))
    ask = link.asks.popleft()
    told = {"streams": [], "known": ["scan"], "hint": "; did you mean scan?"}
    said = {"instance": "life", "session": 1, "answers": [told]}
    assert link.answered(ask, said, None, 1.0)
    assert sink.kinds == ["opened", "absent"]
    assert sink.events[-1].text == "bank has no property scna yet; did you mean scan?"
