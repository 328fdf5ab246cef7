"""The power supply: its Bank on a simulated device, its endpoint, and what goes wrong."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import tty
from pathlib import Path

import pytest
from power_supply.bank import PowerSupply
from power_supply.endpoint import MAX_PEERS
from power_supply.scpi import ScpiError, answer, as_number, request
from power_supply.simulator import SimulatedSupply

from player.testing import HostedBank, ManualClock
from zmqjsonproxy.errors import OperationAbortedError, ProxyError, RefusedError, RemoteError

SETTINGS = {"device": "/dev/null", "limit_v": 30.0, "ramp_v_per_s": 2.0}


def test_the_protocol_is_read_strictly() -> None:
    assert request("VOLT?") == b"VOLT?\n"
    assert answer("VOLT?", b"5.000\r\n") == "5.000"
    assert as_number("VOLT?", "5.000") == 5.0
    for reply, text in (
        (b"ERR no", "VOLT?: no"),
        (b"5.0", "no whole answer"),
        (b"ERR out of range\n", "out of range"),
    ):
        with pytest.raises(ScpiError, match=text if reply.endswith(b"\n") else "no whole answer"):
            answer("VOLT?", reply)
    with pytest.raises(ScpiError, match="no number"):
        as_number("VOLT?", "abc")


def test_it_is_set_and_read_over_the_network() -> None:
    with HostedBank(PowerSupply, SETTINGS) as hosted:
        hosted.proxy.set_voltage(5.0)
        hosted.proxy.output(True)
        assert hosted.proxy.get_status() == {
            "set_v": 5.0,
            "volts": 5.0,
            "amperes": 0.5,
            "on": True,
            "simulated": True,
        }
        hosted.proxy.off()
        assert hosted.proxy.get_status()["volts"] == 0.0


@pytest.mark.parametrize("volts", [-1.0, 30.1, "5", None, True])
def test_what_is_out_of_limits_is_refused(volts: object) -> None:
    with (
        HostedBank(PowerSupply, SETTINGS) as hosted,
        pytest.raises(RefusedError, match="expected 0 to 30 V"),
    ):
        hosted.proxy.set_voltage(volts)


@pytest.mark.parametrize("on", ["off", "OFF", 0, 1, None])
def test_the_output_is_not_switched_by_what_only_seems_to_be_true(on: object) -> None:
    with HostedBank(PowerSupply, SETTINGS) as hosted:
        with pytest.raises(RefusedError, match="expected true or false"):
            hosted.proxy.output(on)
        assert hosted.proxy.get_status()["on"] is False


def test_a_plug_that_is_pulled_fails_calls_until_it_is_back(tmp_path: Path) -> None:
    plug, supplies = tmp_path / "tty", []

    def put_in() -> None:
        supplies.append(SimulatedSupply())
        plug.unlink(missing_ok=True)
        plug.symlink_to(supplies[-1].path)

    put_in()
    try:
        with HostedBank(PowerSupply, {**SETTINGS, "device": str(plug)}, simulate=False) as hosted:
            hosted.proxy.set_voltage(3.0)
            supplies.pop().close()
            plug.unlink()
            for _ in range(2):
                with pytest.raises(RemoteError, match=f"{plug}"):
                    hosted.proxy.get_status()
            put_in()
            hosted.proxy.set_voltage(4.0)
            assert hosted.proxy.get_status()["set_v"] == 4.0
    finally:
        for supply in supplies:
            supply.close()


def terminals() -> list[str]:
    """Those that this process has open."""
    names = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # that of this very look
            names.append(os.readlink(descriptor))
    return sorted(name for name in names if name.startswith(("/dev/pts/", "/dev/ptmx")))


def test_a_device_that_is_gone_at_the_end_is_told_and_leaves_nothing_open(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before, supply = terminals(), SimulatedSupply()
    with HostedBank(PowerSupply, {**SETTINGS, "device": supply.path}, simulate=False) as hosted:
        hosted.proxy.output(True)
        supply.close()
    assert "the output of BANKA may still be on" in caplog.text
    assert "close raised" not in caplog.text
    assert terminals() == before


def test_a_ramp_takes_its_time_says_how_far_it_is_and_can_be_aborted() -> None:
    clock = ManualClock()
    with HostedBank(PowerSupply, SETTINGS, clock=clock) as hosted:
        hosted.proxy.output(True)
        ramp = hosted.proxy.ramp.begin(4.0)  # 2 s at 2 V/s: 20 steps
        for _ in range(10):
            clock.wait_for_waiters()
            clock.advance(0.1)
        clock.wait_for_waiters()
        assert ramp.fraction == pytest.approx(0.55)
        ramp.abort("enough")
        with pytest.raises(OperationAbortedError):
            ramp.result(10)
        assert hosted.proxy.get_status()["volts"] == pytest.approx(2.2)
        again = hosted.proxy.ramp.begin(3.0)
        for _ in range(3):  # 4 steps
            clock.wait_for_waiters()
            clock.advance(0.1)
        assert again.result(10) == 3.0


def test_the_endpoint_reads_and_nothing_else() -> None:
    with HostedBank(
        PowerSupply,
        {
            **SETTINGS,
            "endpoints": {"scpi": {"kind": "power_supply.endpoint:ScpiEndpoint", "port": 0}},
        },
    ) as hosted:
        hosted.proxy.set_voltage(7.0)
        port = int(hosted.endpoints["scpi"].rpartition(":")[2])
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as peer,
            peer.makefile("rw") as lines,
        ):
            for line, reply in (
                ("VOLT?", "7.000"),
                ("*IDN?", "SIMULATED,PSU-60,0"),
                ("volt?", "7.000"),
                ("VOLT 9", "ERR this endpoint only reads"),
                (
                    "OUTP ON;VOLT?",
                    "ERR this endpoint only reads",
                ),  # a device that takes several would switch on
                ("VOLT?" * 100, "ERR a line has at most"),
            ):
                lines.write(line + "\n")
                lines.flush()
                assert lines.readline().startswith(reply)
        assert hosted.proxy.get_status()["on"] is False


def test_the_endpoint_serves_a_few_peers_and_none_after_its_end() -> None:
    with contextlib.ExitStack() as stack:
        endpoint = {"scpi": {"kind": "power_supply.endpoint:ScpiEndpoint", "port": 0}}
        with HostedBank(PowerSupply, {**SETTINGS, "endpoints": endpoint}) as hosted:
            port = int(hosted.endpoints["scpi"].rpartition(":")[2])

            def connect() -> socket.socket:
                return stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))

            peers = [connect() for _ in range(MAX_PEERS)]
            for peer in peers:
                peer.sendall(b"VOLT?\n")
                assert peer.recv(100) == b"0.000\n"
            assert connect().recv(100) == b""
            peers.pop().close()

            def answers() -> bool:
                with contextlib.suppress(ConnectionError):
                    peer = connect()
                    peer.sendall(b"VOLT?\n")
                    return peer.recv(100) == b"0.000\n"
                return False

            while not answers():
                pass
        assert [peer.recv(100) for peer in peers] == [b""] * len(peers)


def test_a_device_that_sends_without_end_is_an_error_and_holds_nothing_up() -> None:
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    os.set_blocking(ours, False)
    ended = threading.Event()

    def babble() -> None:
        while not ended.wait(0.001):
            with contextlib.suppress(BlockingIOError):
                os.write(ours, b"x" * 16)

    thread = threading.Thread(target=babble)
    thread.start()
    try:
        with pytest.raises(Exception, match=r"BANKA cannot be opened: .*no whole answer"):
            HostedBank(
                PowerSupply, {**SETTINGS, "device": os.ttyname(theirs)}, simulate=False
            ).__enter__()
    finally:
        ended.set()
        thread.join()
        os.close(ours)
        os.close(theirs)


def test_what_it_publishes_is_subscribed_to_and_a_limit_switches_the_output_off() -> None:
    with (
        HostedBank(PowerSupply, SETTINGS) as hosted,
        hosted.proxy.subscribe(["voltage", "limit", "tripped", "trace"]) as subscription,
    ):
        found = {subscription.next(10).name for _ in range(2)}
        assert found == {"voltage", "limit"}
        hosted.proxy.output(True)
        hosted.proxy.ramp(0.5)
        frame = subscription.wait_for(lambda update: update.name == "trace", 10).value
        assert (frame["data"].shape, frame["x_start"], frame["x_delta"]) == ((3,), 0.1, 0.1)
        with pytest.raises(RefusedError, match="limit is 61; expected 0 to 30 V"):
            hosted.proxy.set_properties(limit=61)
        assert hosted.proxy.set_properties(limit=0.25) == {"limit": 0.25}
        tripped = subscription.wait_for(lambda update: update.name == "tripped", 10)
        assert tripped.value == {"volts": 0.5, "limit": 0.25}
        assert hosted.proxy.get_status()["on"] is False
        with pytest.raises(RefusedError, match=r"expected 0 to 0\.25 V"):
            hosted.proxy.set_voltage(0.5)


def test_off_ends_a_ramp() -> None:
    clock = ManualClock()
    with HostedBank(PowerSupply, SETTINGS, clock=clock) as hosted:
        hosted.proxy.output(True)
        ramp = hosted.proxy.ramp.begin(20.0)
        clock.wait_for_waiters()
        hosted.proxy.off()
        with pytest.raises(OperationAbortedError):
            ramp.result(10)
        assert hosted.proxy.get_status()["on"] is False


def test_a_device_that_is_not_there_ends_the_start_with_a_sentence() -> None:
    with (
        pytest.raises(Exception, match=r"BANKA cannot be opened: .*no-such-port"),
        HostedBank(PowerSupply, {**SETTINGS, "device": "/dev/no-such-port"}, simulate=False),
    ):
        pass


def test_a_client_hears_of_a_method_that_fails() -> None:
    with HostedBank(PowerSupply, SETTINGS) as hosted:
        hosted.faults.fail("get_status", ScpiError("MEAS:VOLT?: no whole answer"))
        with pytest.raises(RemoteError, match="no whole answer"):
            hosted.proxy.get_status()
        hosted.faults.clear()
        assert hosted.proxy.get_status()["simulated"] is True
        wire = hosted.wire()
        wire.down()
        assert isinstance(
            hosted.proxy.get_status(), dict
        )  # who does not use that line notices nothing


def test_nothing_is_called_without_a_mark() -> None:
    with HostedBank(PowerSupply, SETTINGS) as hosted, pytest.raises((AttributeError, ProxyError)):
        hosted.proxy.close_device()
