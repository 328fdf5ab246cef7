"""The client of boards against a simulator that speaks its protocol, and every fault of it."""

from __future__ import annotations

import contextlib
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from support.backends import SHIPPED, shipped
from support.player_run import ROOT, free_port
from support.threads import in_threads

from spectrometer.errors import LinkAddressError
from spectrometer.instruments.errors import BoardError
from spectrometer.instruments.roach import Roach
from spectrometer.instruments.simulators.images import images_of
from spectrometer.instruments.simulators.roach import BoardSimulator
from spectrometer.modes import load_modes
from tools import simulator_faults
from zmqjsonproxy.errors import OperationAbortedError
from zmqjsonproxy.handle import OperationHandle
from zmqjsonproxy.interface import running
from zmqjsonproxy.protocol.operations import OperationRecord, OperationState

MODE1 = "h1k_ver105_2013_Dec_02_1551.bof"
IMAGES = images_of(load_modes(shipped()).values())
TIMEOUT_S = 5.0


@pytest.fixture(
    params=["4.9", "5.0-MI", "5.0-M", ""], ids=["katcp 4.9", "katcp 5 with ids", "katcp 5", "older"]
)
def simulator(request: pytest.FixtureRequest) -> Iterator[BoardSimulator]:
    with BoardSimulator(IMAGES, request.param) as made:
        yield made


@pytest.fixture
def board(simulator: BoardSimulator) -> Iterator[Roach]:
    roach = Roach("127.0.0.1", simulator.port, TIMEOUT_S)
    yield roach
    roach.close()


@pytest.fixture
def plain() -> Iterator[tuple[BoardSimulator, Roach]]:
    with BoardSimulator(IMAGES) as made:
        roach = Roach("127.0.0.1", made.port, TIMEOUT_S)
        yield made, roach
        roach.close()


def test_image_registers_and_memories(simulator: BoardSimulator, board: Roach) -> None:
    assert board.ping() is True
    assert board.status() is False
    assert MODE1 in board.listbof()
    board.program(MODE1)
    assert board.status() is True
    assert {"acc_len", "gbe0", "ssg_lut_bram"} <= set(board.listdev())
    board.write_int("acc_len", 768)
    assert (board.read("acc_len", 4), board.read_int("acc_len"), board.wordread("acc_len")) == (
        b"\0\0\x03\0",
        768,
        [768],
    )
    board.write_int("fftshift", -2)
    assert (board.read_int("fftshift"), board.read_uint("fftshift")) == (-2, 0xFFFFFFFE)
    data = bytes(range(256)) * 16  # every byte that the protocol has to escape, too
    board.write("ssg_lut_bram", data)
    assert board.read("ssg_lut_bram", 8, offset=28) == bytes(range(28, 36))
    remembered = [
        words for words in simulator.board.history if words[:2] == ("write", "ssg_lut_bram")
    ]
    assert [len(words[3]) for words in remembered] == [
        64
    ]  # of a simulator that runs for weeks not 4 KiB a table
    assert simulator.board.history.maxlen == 1000
    board.wordwrite("ssg_lut_bram", 2, [1, 0xFFFFFFFF])
    assert board.wordread("ssg_lut_bram", 2, 2) == [1, 0xFFFFFFFF]
    assert board.read_int("ssg_lut_bram", 3) == -1
    board.progdev()
    assert board.status() is False


def test_only_what_differs_is_written(plain: tuple[BoardSimulator, Roach]) -> None:
    simulator, board = plain
    board.program(MODE1)
    assert board.write_changed({"acc_len": 768, "sg_sync": 0, "ssg_lut_bram": b"\1\2\3\4"}) == [
        "acc_len",
        "ssg_lut_bram",
    ]
    assert board.write_changed({"acc_len": 768, "fftshift": 0xFFFFFFFF}) == ["fftshift"]
    assert board.write_changed({"fftshift": -1}) == []
    writes = [words[1] for words in simulator.board.history if words[0] == "write"]
    assert writes == ["acc_len", "ssg_lut_bram", "fftshift"]


def test_network_and_i2c(plain: tuple[BoardSimulator, Roach]) -> None:
    simulator, board = plain
    board.program(MODE1)
    board.start_tap("tap0", "gbe0", "10.17.0.64", 60000, 0x02020A110040)
    assert simulator.board.taps == {"gbe0": ("tap0", "10.17.0.64", "60000", "02:02:0A:11:00:40")}
    board.tap_start("tap0", "gbe0", 0x02020A110040, 0x0A110041, 60001)
    assert simulator.board.taps["gbe0"][1:3] == ("10.17.0.65", "60001")
    board.tap_stop("gbe0")
    board.write_i2c(0x38, b"\x09")
    assert board.read_i2c(0x38) == b"\x09"
    for call, says in (
        (lambda: board.tap_start("longername", "gbe0", 1, "10.0.0.1", 1), "1 to 8 characters"),
        (lambda: board.tap_start("tap0", "gbe0", 1, "10.0.0.1", 65536), "port 65536"),
        (lambda: board.tap_start("tap0", "gbe7", 1, "10.0.0.1", 1), "unknown register gbe7"),
        (lambda: board.read_i2c(0x39), "no device at address 57"),
    ):
        with pytest.raises(BoardError, match=says):
            call()
    with pytest.raises(LinkAddressError, match=r"10\.17\.0\.640"):
        board.tap_start("tap0", "gbe0", 1, "10.17.0.640", 1)


def test_arming_takes_effect_at_the_next_second(plain: tuple[BoardSimulator, Roach]) -> None:
    simulator, board = plain
    board.program(MODE1)
    for value in (0, 1, 0):
        board.write_int("arm", value)
    started = simulator.board.started.value
    assert started == int(started) > 0
    status = board.request("sensor-value", ["start-time"])
    assert float(status[0][-1]) == started


FAULTS: list[tuple[list[str], Callable[[Roach], object], str]] = [
    (
        ["refuse", "progdev"],
        lambda b: b.progdev(MODE1),
        f"?progdev {MODE1}: fail refused, as the fault",
    ),
    (
        ["drop", "read"],
        lambda b: b.read_int("acc_len"),
        "?read acc_len 0 4: the connection was lost",
    ),
    (["slow", "30"], lambda b: b.read_int("acc_len"), "?read acc_len 0 4: no reply within 0.5 s"),
    (
        ["unprogrammed"],
        lambda b: b.write_int("acc_len", 1),
        "?write acc_len 0 00000001: fail not programmed",
    ),
    (["readback", "acc_len"], lambda b: b.write_int("acc_len", 1), "byte 0 reads 0x01, not 0x00"),
    (
        ["readback", "acc_len"],
        lambda b: b.write_changed({"acc_len": 1}),
        "?write acc_len 0 (4 bytes): ok, but byte 0",
    ),
]


@pytest.mark.parametrize(
    ("fault", "call", "says"), FAULTS, ids=[f"{f[0]}-{i}" for i, (f, _, _) in enumerate(FAULTS)]
)
def test_a_fault_names_board_request_and_reply_and_the_board_is_usable_after_it(
    fault: list[str], call: Callable[[Roach], object], says: str
) -> None:
    with BoardSimulator(IMAGES) as simulator:
        board = Roach("127.0.0.1", simulator.port, 0.5)
        try:
            board.program(MODE1)
            board.request("sim-fault", fault)
            with pytest.raises(BoardError) as caught:
                call(board)
            assert str(caught.value).startswith(f"board 127.0.0.1:{simulator.port}: ")
            assert says in str(caught.value)
            board.request("sim-fault", ["none"])
            board.program(MODE1)
            assert board.read_int("acc_len") == 0
        finally:
            board.close()


@pytest.mark.filterwarnings("ignore")
def test_garbage_before_a_reply_is_passed_over(plain: tuple[BoardSimulator, Roach]) -> None:
    _, board = plain
    board.program(MODE1)
    board.request("sim-fault", ["garbage", "read"])
    assert board.read_int("acc_len") == 0


@contextlib.contextmanager
def slow_board(timeout_s: float, slow_s: str) -> Iterator[tuple[BoardSimulator, Roach]]:
    """A board whose replies take so long; acc_len is 7."""
    with BoardSimulator(IMAGES) as simulator:
        board = Roach("127.0.0.1", simulator.port, timeout_s)
        try:
            board.program(MODE1)
            board.write_int("acc_len", 7)
            board.request("sim-fault", ["slow", slow_s])
            yield simulator, board
        finally:
            board.close()


def test_a_late_reply_is_not_taken_for_the_next_one() -> None:
    with slow_board(0.5, slow_s="0.8") as (_, board):
        with pytest.raises(BoardError, match="no reply within"):
            board.read_int("acc_len")
        board.request("sim-fault", ["none"])
        board.write_int("sg_sync", 9)
        assert [board.read_int("sg_sync") for _ in range(3)] == [9, 9, 9]


def test_unknown_names_are_refused_in_the_boards_words(plain: tuple[BoardSimulator, Roach]) -> None:
    _, board = plain
    for call, says in (
        (lambda: board.read_int("acc_len"), "?read acc_len 0 4: fail not programmed"),
        (lambda: board.listdev(), "?listdev: fail not programmed"),
        (lambda: board.progdev("../other.bof"), "a file's name without a folder"),
        (lambda: board.progdev("other.bof"), "?progdev other.bof: fail no image other.bof"),
        (lambda: board.request("nosuch"), "?nosuch: invalid unknown command"),
        (lambda: board.write_int("acc_len", 1 << 32), "a register holds 32 bits"),
        (lambda: board.write("acc_len", b"123"), "multiples of 4 bytes"),
    ):
        with pytest.raises(BoardError) as caught:
            call()
        assert says in str(caught.value)
    board.program(MODE1)
    with pytest.raises(BoardError, match="acc_len has 4 bytes; 8 at 0 are beyond its end"):
        board.read("acc_len", 8)
    with pytest.raises(BoardError, match="unknown register tenGB_resetb"):
        board.write_int("tenGB_resetb", 1)


def test_a_board_that_is_not_there_and_comes_back() -> None:
    port = free_port()
    board = Roach("127.0.0.1", port, TIMEOUT_S)
    try:
        with pytest.raises(
            BoardError, match=rf"board 127\.0\.0\.1:{port}: \?watchdog: no connection"
        ):
            board.ping()
        for _ in range(2):  # also after it went away
            with BoardSimulator(IMAGES, port=port):
                assert board.ping() is True
            with pytest.raises(BoardError):
                board.ping()
    finally:
        board.close()
    with pytest.raises(BoardError, match="the connection was closed"):
        board.ping()
    board.close()


def test_something_else_on_the_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            peer, _ = listener.accept()
            peer.sendall(b"#version-connect katcp-protocol 17.0\n")
            peer.recv(100)
            peer.close()

        thread = threading.Thread(target=greet)
        thread.start()
        board = Roach("127.0.0.1", listener.getsockname()[1], TIMEOUT_S)
        with pytest.raises(BoardError, match=r"Unknown protocol version 17\.0"):
            board.ping()
        board.close()
        thread.join()


FROM_AFAR: list[tuple[Callable[[Any], object], str]] = [
    (lambda b: b.request("watch\ndog"), r"?watch\ndog: not sent: a request's name begins with a letter"),
    (lambda b: b.request("watchdog[1]"), "?watchdog[1]: not sent: a request's name"),
    (lambda b: b.request(5), "?5: not sent: a request's name"),
    (lambda b: b.request("read", "acc_len"), "?read: not sent: arguments is 'acc_len'; expected a list"),
    (lambda b: b.request("read", [["acc_len"], None]), "argument 1 is a list; expected text, a number or bytes; argu"),
    (lambda b: b.request("read", ["\ud800"]), "argument 1 has characters that are none"),
    (lambda b: b.request("read", ["x" * 1_000_000]), "x...: fail"),
    (lambda b: b.read("acc_len", "4"), "?read acc_len: not sent: size '4': expected a whole number, 0 to 2147483647"),
    (lambda b: b.read_int("acc_len", "1"), "offset '1': expected a whole number"),
    (lambda b: b.read(None, 4), "argument 1 is a NoneType"),
    (lambda b: b.write("acc_len", "abcd"), "?write acc_len 0 (3 bytes): not sent: offset and length are mult"),
    (lambda b: b.write("acc_len", "no base64"), "data 'no base64': expected bytes, base64 text, or a list of num"),
    (lambda b: b.write("acc_len", [0, 0, 0, 256]), "data [0, 0, 0, 256]: expected bytes, base64"),
    (lambda b: b.blindwrite("acc_len", None), "data None: expected bytes, base64"),
    (lambda b: b.write_int("acc_len", "1"), "a register holds 32 bits; value '1': expected a whole number"),
    (lambda b: b.write_int("acc_len", True), "value True: expected a whole number"),
    (lambda b: b.wordwrite("acc_len", 0, [1, 1.5]), "value 1 1.5: expected a whole number, 0 to 4294967295"),
    (lambda b: b.wordwrite("acc_len", 0, []), "values is []; expected a list of numbers"),
    (lambda b: b.tap_start("t", "c", "02:02", "1.2.3.4", -1), "port -1: expected a whole number, 0 to 65535; MAC"),
    (lambda b: b.read_i2c("x"), "?i2c-read: not sent: address 'x'"),
    (lambda b: b.progdev(["a"]), "?progdev ['a']: not sent: an image is a file's name"),
]  # fmt: skip


def test_whatever_a_caller_sends_is_answered_with_a_sentence(
    plain: tuple[BoardSimulator, Roach],
) -> None:
    simulator, board = plain
    board.program(MODE1)
    for call, says in FROM_AFAR:
        with pytest.raises(BoardError) as caught:
            call(board)
        assert says in str(caught.value), says
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 400
    assert not [words for words in simulator.board.history if words[0] in ("write", "wordwrite")]


def test_bytes_as_clients_without_bytes_send_them(plain: tuple[BoardSimulator, Roach]) -> None:
    _, board = plain
    board.program(MODE1)
    given: tuple[Any, ...] = (b"\0\0\1\0", "AAACAA==", [0, 0, 3, 0])
    for number, data in enumerate(given, 1):
        board.write("acc_len", data)
        assert board.read_int("acc_len") == number * 256


@pytest.mark.parametrize("word", ["halt", "restart"])
def test_a_board_that_is_halted_comes_back_without_its_image(board: Roach, word: str) -> None:
    board.program(MODE1)
    with contextlib.suppress(
        BoardError
    ):  # whether the answer comes before the end of the connection is the line's
        board.request(word)
    until = time.monotonic() + TIMEOUT_S
    while time.monotonic() < until:
        with contextlib.suppress(BoardError):
            assert board.status() is False
            break
    board.program(MODE1)
    assert board.status() is True


def test_closing_ends_all_who_wait_for_the_board() -> None:
    with BoardSimulator(IMAGES) as simulator:
        board = Roach("127.0.0.1", simulator.port, 30.0)
        board.program(MODE1)
        board.request("sim-fault", ["slow", "30"])
        said: queue.Queue[str] = queue.Queue()

        def ask() -> None:
            with pytest.raises(BoardError) as caught:
                board.read_int("acc_len")
            said.put(str(caught.value))

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + TIMEOUT_S  # one is being asked, the others wait for their turn
        while (
            not any(words[0] == "read" for words in simulator.board.history)
            and time.monotonic() < until
        ):
            time.sleep(0.01)
        board.close()
        for thread in threads:
            thread.join(TIMEOUT_S)
        assert [
            said.get(timeout=TIMEOUT_S).endswith("the connection was closed") for _ in threads
        ] == [True] * 3


def test_an_aborted_operation_does_not_wait_for_the_board() -> None:
    with slow_board(30.0, slow_s="30") as (simulator, board):
        handle = OperationHandle(
            OperationRecord(id="1", method="set_mode", state=OperationState.RUNNING)
        )
        timer = threading.Timer(0.3, handle.abort, ["stopped by an observer"])
        timer.start()
        with (
            running(handle),
            pytest.raises(OperationAbortedError, match="stopped by an observer"),
        ):
            board.program(MODE1)
        timer.join()
        simulator.board.faults.clear()
        assert board.read_int("acc_len") == 7  # the board was never told


def test_many_threads_share_a_board(plain: tuple[BoardSimulator, Roach]) -> None:
    _, board = plain
    board.program(MODE1)
    wrong: list[object] = []

    def work(register: str) -> None:
        for value in range(50):
            board.write_int(register, value)
            if (found := board.read_int(register)) != value:
                wrong.append((register, value, found))

    in_threads(*(partial(work, name) for name in ("acc_len", "sg_sync", "fftshift", "sg_period")))
    assert wrong == []


def test_the_simulator_says_that_it_is_one(plain: tuple[BoardSimulator, Roach]) -> None:
    simulator, _ = plain
    with socket.create_connection(("127.0.0.1", simulator.port)) as client:
        client.settimeout(TIMEOUT_S)
        assert b"simulated" in client.recv(1000)


# the command and the page


def test_a_board_on_its_own_speaks_to_a_client_and_ends_at_sigterm() -> None:
    port = free_port()
    words = [sys.executable, "-m", "spectrometer.instruments.simulators", "--config", str(SHIPPED)]
    with subprocess.Popen(
        [*words, "--port", str(port)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"simulated board at 127.0.0.1:{port}\n"
        taken = subprocess.run(
            [*words, "--port", str(port)], capture_output=True, text=True, cwd=ROOT, check=False
        )
        assert (taken.returncode, f"port {port}: " in taken.stderr) == (1, True)
        board = Roach("127.0.0.1", port, TIMEOUT_S)
        board.program(MODE1)
        assert board.read_int("acc_len") == 0
        board.close()
        process.terminate()
        assert process.wait(10) == 0
    words[-1] = "nowhere.toml"
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, "nowhere.toml" in done.stderr) == (2, True)


def test_the_page_has_the_table_of_the_faults() -> None:
    page = (ROOT / "docs" / "howto" / "simulated-board.md").read_text(encoding="utf-8")
    assert simulator_faults.table(simulator_faults.rows()) in page
