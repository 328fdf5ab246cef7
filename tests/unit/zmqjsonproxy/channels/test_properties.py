"""Properties as classes declare them, and what becomes of assignments."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from support.read_at_once import read_at_once

from zmqjsonproxy.channels.declarations import CANNOT_BE_READ, Declared
from zmqjsonproxy.channels.properties import (
    LONGEST_NAME,
    MAX_PROPERTIES,
    PropertyTable,
    PublishedUpdate,
    computed,
    declared_by,
    has_properties,
    message,
    pipe,
    published,
    publishing,
    table_of,
)
from zmqjsonproxy.channels.propertymethods import PropertyMethods
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.waiting import WouldWaitError, not_waiting


class Supply:
    voltage = published(0.0, unit="V", doc="Output.")
    limit = published(30.0, unit="V", doc="Highest.", writable=True)
    label = published("main", writable=True)
    window = published((1, 2), writable=True)
    anything = published(None, writable=True)
    tripped = message(doc="It went off.")
    trace = pipe(unit="V", x_unit="s", doc="Output while it settles.")

    def __init__(self) -> None:
        self.reads = 0

    @limit.checked_by
    def _check_limit(self, value: float) -> float:
        if value > 100:
            raise ValueError(f"{value:g} V is above 100 V")
        return round(value)

    @computed(unit="s", every=0.5)
    def uptime(self) -> float:
        """Time since the start.

        More of it.
        """
        self.reads += 1
        return 5.0


class Other(Supply):
    voltage = published(7.0, unit="mV")
    tripped = None  # no property any more

    def _check_limit(self, value: float) -> float:
        return -value


@pytest.fixture
def supply() -> Supply:
    return Supply()


def heard(obj: object, name: str) -> list[PublishedUpdate]:
    found: list[PublishedUpdate] = []
    table_of(obj).properties[name].listeners["test"] = found.append
    return found


def values(updates: list[PublishedUpdate]) -> list[object]:
    return [update.encoded.value() for update in updates]


def test_a_class_tells_what_it_declares(supply: Supply) -> None:
    told = {each["name"]: each for each in PropertyMethods(table_of(supply)).list_properties()}
    assert list(told) == sorted(told)
    assert (
        told["limit"].items()
        > {
            "name": "limit",
            "kind": "result",
            "unit": "V",
            "doc": "Highest.",
            "annotation": "float",
            "writable": True,
            "number": 1,
        }.items()
    )
    assert "number" not in told["tripped"]
    table_of(supply).publish("limit", 2.0, 2_500_000)
    told = {each["name"]: each for each in PropertyMethods(table_of(supply)).list_properties()}
    assert (told["limit"]["number"], told["limit"]["time"]) == (2, 2.5)
    assert told["uptime"]["doc"] == "Time since the start."
    assert told["uptime"]["annotation"] == "float"
    assert told["trace"]["x_unit"] == "s"
    assert told["tripped"]["kind"] == "message"


def test_a_subclass_overrides_and_takes_away() -> None:
    assert "tripped" in declared_by(Supply)
    assert "tripped" not in declared_by(Other)
    other = Other()
    assert other.voltage == 7.0
    assert table_of(other).describe()[-2]["unit"] == "mV"
    assert table_of(other).set({"limit": 5}) == {"limit": -5.0}
    assert Supply().voltage == 0.0


def test_on_the_class_a_property_is_its_declaration() -> None:
    assert Supply.voltage.declared.name == "voltage"
    assert Supply.uptime.declared.every == 0.5


def test_who_has_properties_is_known_before_they_are_made() -> None:
    class Plain:
        pass

    assert has_properties(Supply())
    assert not has_properties(Plain())
    plain = Plain()
    table_of(plain).publish("made", 1)
    assert has_properties(plain)


def test_assignments_count_and_readers_see_the_last(supply: Supply) -> None:
    updates = heard(supply, "voltage")
    supply.voltage = 1.5
    supply.voltage = 1.5
    assert [update.number for update in updates] == [2, 3]
    assert supply.voltage == 1.5
    assert table_of(supply).get(["voltage", "anything", "trace"]) == {
        "voltage": 1.5,
        "anything": None,
        "trace": None,
    }


def test_messages_and_pipes_are_called(supply: Supply) -> None:
    events, frames = heard(supply, "tripped"), heard(supply, "trace")
    supply.tripped(reason="hot")
    supply.trace([1.0, 2.0], x_delta=0.5)
    assert values(events) == [{"reason": "hot"}]
    assert values(frames) == [{"data": [1.0, 2.0], "x_start": 0.0, "x_delta": 0.5}]


@pytest.mark.parametrize("size", [1, 10_000])
def test_what_was_published_may_be_changed_at_once(supply: Supply, size: int) -> None:
    frames, lists = heard(supply, "trace"), heard(supply, "anything")
    mine, table = np.zeros(size), [0] * size
    supply.trace(mine)
    supply.anything = {"table": table}
    mine[:] = 9
    table[:] = [9]
    assert not values(frames)[0]["data"].any()
    assert values(lists) == [{"table": [0] * size}]
    supply.anything["table"].append(5)  # a copy
    assert supply.anything == {"table": [0] * size}


def test_what_cannot_travel_is_not_published_and_says_which(supply: Supply) -> None:
    updates = heard(supply, "voltage")
    with pytest.raises(TypeError) as error:
        supply.voltage = {1, 2}
    assert error.value.__notes__ == ["voltage was not published: its value cannot travel"]
    assert not updates
    assert supply.voltage == 0.0


def test_set_is_all_or_nothing_and_tells_what_holds(supply: Supply) -> None:
    methods = PropertyMethods(table_of(supply))
    assert methods.set_properties(limit=7.4, label="spare") == {"limit": 7, "label": "spare"}
    limits, labels = heard(supply, "limit"), heard(supply, "label")
    for wrong in (
        {"label": "x", "limit": 200},
        {"label": "x", "limit": "high"},
        {"label": "x", "limit": 10**400},
        {"label": "x", "limit": True},
        {"label": "x", "voltage": 1.0},
        {"label": "x", "tripped": 1.0},
        {"label": "x", "none": 1.0},
    ):
        with pytest.raises(RefusedError):
            methods.set_properties(**wrong)
    assert not limits
    assert not labels
    assert methods.get_properties("limit", "label") == {"limit": 7, "label": "spare"}


def test_a_check_whose_value_cannot_travel_sets_nothing() -> None:
    class Odd(Supply):
        def _check_limit(self, value: float) -> float:
            return {value}

    odd = Odd()
    labels = heard(odd, "label")
    with pytest.raises(TypeError):
        table_of(odd).set({"label": "x", "limit": 5})
    assert not labels


def test_a_value_is_set_as_it_travels(supply: Supply) -> None:
    assert table_of(supply).set({"window": [3, 4], "anything": {"a": 1}, "limit": 5}) == {
        "window": [3, 4],
        "anything": {"a": 1},
        "limit": 5,
    }
    with pytest.raises(RefusedError, match="window: '3' is no list; nothing was set"):
        table_of(supply).set({"window": "3"})


def test_refusals_say_what_there_is(supply: Supply) -> None:
    table = table_of(supply)
    with pytest.raises(RefusedError, match=r"voltage is read-only.*Writable: limit, label"):
        table.set({"voltage": 1})
    with pytest.raises(RefusedError, match=r"no property 'voltag' here.*voltage"):
        table.get(["voltag"])
    with pytest.raises(RefusedError, match=r"no property '.1.' here"):
        table.get([[1]])
    with pytest.raises(RefusedError, match="subscribe to it"):
        table.get(["tripped"])


def test_all_results_are_got_without_names(supply: Supply) -> None:
    got = PropertyMethods(table_of(supply)).get_properties()
    assert got.keys() == {"voltage", "limit", "label", "window", "anything", "uptime"}
    assert got["uptime"] == 5.0


def test_a_computed_property_is_published_when_it_is_another(supply: Supply) -> None:
    updates, table = heard(supply, "uptime"), read_at_once(supply)
    assert supply.uptime == 5.0
    table.sample("uptime")
    table.sample("uptime")
    assert values(updates) == [5.0]
    table.sample("uptime", always=True)
    table.sample("voltage")
    table.sample("none")
    assert values(updates) == [5.0, 5.0]


def test_a_computed_array_that_is_read_only_is_compared() -> None:
    class Bench:
        @computed()
        def row(self) -> object:
            made = np.arange(3.0)
            made.flags.writeable = False
            return made

    bench = Bench()
    updates, table = heard(bench, "row"), read_at_once(bench)
    for _ in range(3):
        table.sample("row")
    assert len(updates) == 1


@pytest.mark.parametrize("every", [0.0, -1.0, float("nan"), float("inf")])
def test_nothing_is_read_without_a_pause(every: float) -> None:
    with pytest.raises(ValueError, match="every"):
        computed(every=every)(lambda _self: 1)


def test_properties_made_at_run_time_are_declared_and_bounded(supply: Supply) -> None:
    table, new = table_of(supply), []
    table.on_new["test"] = lambda one: new.append(one.declared.name)
    table.publish("status.X", 1)
    table.declare(Declared(name="status.X", unit="s"))
    assert new == ["status.X"]
    assert table.properties["status.X"].declared.unit == "s"
    assert table.names("status.*") == ["status.X"]
    for name in ("", "n" * (LONGEST_NAME + 1)):
        with pytest.raises(ValueError, match="a name has 1 to 200 characters"):
            table.publish(name, 1)
    full = PropertyTable(Declared(name=f"p{n}") for n in range(MAX_PROPERTIES))
    with pytest.raises(ValueError, match="at most 10000 properties"):
        full.publish("one more", 1)


def test_threads_publish_in_the_order_of_the_numbers() -> None:
    table = PropertyTable([Declared(name="n")])
    numbers: list[int] = []
    table.properties["n"].listeners["test"] = lambda update: numbers.append(update.number)

    def publish(first: int) -> None:
        for value in range(first, first + 300):
            table.publish("n", value)
            table.publish(f"of {first}", value)

    threads = [threading.Thread(target=publish, args=(1000 * k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert numbers == list(range(1, 1201))
    assert table.names() == sorted(table.properties)


def test_reading_runs_without_a_lock_of_ours() -> None:
    class Bench:
        @computed()
        def is_free(self) -> bool:
            done = threading.Event()

            def take() -> None:
                with publishing:
                    done.set()

            threading.Thread(target=take).start()
            return done.wait(20)

    bench = Bench()
    table = read_at_once(bench)
    table.sample("is_free")
    assert table.properties["is_free"].newest.encoded.value() is True
    assert table.get(["is_free"]) == {"is_free": True}


class Broken:
    fine = published(1)

    def __init__(self) -> None:
        self.error: Exception | None = OSError("no sensor")

    @computed()
    def raises(self) -> float:
        if self.error is not None:
            raise self.error
        return 2.5

    @computed()
    def odd(self) -> object:
        return {1, 2}


@pytest.mark.parametrize(
    ("name", "text"), [("raises", "OSError: no sensor"), ("odd", "cannot travel")]
)
def test_one_that_cannot_be_read_is_named(name: str, text: str) -> None:
    with pytest.raises(RuntimeError, match=rf"{name} could not be read: .*{text}"):
        table_of(Broken()).get(["fine", name])


def test_all_that_are_named_and_cannot_be_read_are_told() -> None:
    with pytest.raises(RuntimeError, match=r"raises could not be read: .*; odd could not be read"):
        table_of(Broken()).get(["raises", "odd"])


def test_without_names_the_others_come_beside_what_cannot_be_read() -> None:
    broken = Broken()
    methods = PropertyMethods(table_of(broken))
    got = methods.get_properties()
    assert got["fine"] == 1
    assert got.keys() == {"fine", CANNOT_BE_READ}
    assert got[CANNOT_BE_READ]["raises"] == {"reason": "OSError: no sensor"}
    assert "cannot travel" in got[CANNOT_BE_READ]["odd"]["reason"]
    problems = {each["name"]: each.get("problem") for each in methods.list_properties()}
    assert problems["raises"] == "OSError: no sensor"
    assert problems["fine"] is None
    broken.error = None
    assert methods.get_properties()["raises"] == 2.5
    broken.error = OSError("gone again")
    told = methods.get_properties()[CANNOT_BE_READ]["raises"]
    assert (told["reason"], told["value"]) == ("OSError: gone again", 2.5)
    assert told["age"] >= 0


def test_no_property_has_the_name_of_what_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="no property has this name"):
        PropertyTable([]).publish(CANNOT_BE_READ, 1)


def test_a_thread_that_must_not_wait_reads_nothing(supply: Supply) -> None:
    with not_waiting():
        assert table_of(supply).get(["limit"]) == {"limit": 30.0}
        with pytest.raises(WouldWaitError):
            table_of(supply).get(["limit", "uptime"])
    assert supply.reads == 0


def test_a_property_may_be_called_self() -> None:
    table = PropertyTable([Declared(name="self", writable=True)])
    assert PropertyMethods(table).set_properties(self=3) == {"self": 3}
