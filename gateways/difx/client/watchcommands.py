"""The commands `difx monitor` and `relay`: what a server sends until somebody has seen enough."""

from __future__ import annotations

import argparse
import contextlib
import itertools
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from commandline import (
    DONE,
    FAILED,
    argument,
    command,
    count,
    fixed_row,
    flag,
    render_rows,
    tell,
    tell_line,
)
from gateways.difx.client.connecting import complain, connected
from gateways.difx.client.watchverbs import DEFAULT_FFT, RelayedMessage
from gateways.difx.protocol.selection import ALL_MESSAGES, KEYWORDS
from groundwork.printable import printable

if TYPE_CHECKING:
    from gateways.difx.client.protocol.monitoring import (
        JobProducts,
        MonitorBlock,
        MonitorProduct,
    )

__all__ = ["COMMANDS"]

_ENDING = "_MESSAGES"
TYPES = tuple(keyword.removesuffix(_ENDING).lower() for keyword in KEYWORDS)
HEAD = ("SCAN", "TIME", "PRODUCT", "NAME", "MHZ", "AMPLITUDE", "PHASE", "DELAY/us", "SNR")
WIDTHS = (12, -6, -7, 10, -10, -12, -7, -12, -9)


def _numbers(text: str) -> list[int]:
    words = text.split(",")
    if not all(word.isascii() and word.isdecimal() and len(word) <= 9 for word in words):
        raise argparse.ArgumentTypeError(f"{text!r} are no numbers of products, as 0,3")
    return [int(word) for word in words]


def _keywords(text: str) -> tuple[str, ...]:
    words = text.lower().split(",")
    for word in words:
        if word not in TYPES:
            fault = f"{word!r} is no type of messages: {', '.join(TYPES)}"
            raise argparse.ArgumentTypeError(fault)
    return tuple(f"{word.upper()}{_ENDING}" for word in words)


def _monitor(options: argparse.Namespace) -> int:
    with connected(options) as client, client.monitor(options.input) as monitor:
        known = monitor.products.products
        if options.list:
            told = _described(monitor.products)
            rows = [_row(product) for product in known]
            head = ("PRODUCT", "NAME", "MHZ", "POL", "CHANNELS")
            if rows or options.json:
                tell(options.json, told, render_rows(head, rows))
            return DONE
        wanted = known
        if options.products is not None:
            numbers = {product.number: product for product in known}
            if absent := [n for n in options.products if n not in numbers]:
                complain(f"monitor {options.input}: there is no product {absent[0]}; see --list")
                return FAILED
            wanted = [numbers[number] for number in options.products]
        monitor.request(wanted, fft_size=options.fft)
        if not options.json:
            print(fixed_row(HEAD, WIDTHS), flush=True)
        with contextlib.suppress(KeyboardInterrupt):  # the usual end
            for block in itertools.islice(monitor, options.count):
                tell_line(options.json, _block(block) if options.json else None, _line(block))
    return DONE


def _row(product: MonitorProduct) -> tuple[object, ...]:
    name = printable(product.name)
    return product.number, name, product.frequency_mhz, product.polarization, product.channels


def _described(products: JobProducts) -> dict[str, Any]:
    return asdict(products)


def _line(block: MonitorBlock) -> str:
    product = block.product
    middle = block.phase[len(block.phase) // 2] if len(block.phase) else 0.0
    amplitude = float(block.amplitude.mean()) if len(block.amplitude) else 0.0
    cells = (
        printable(block.scan),
        block.time_s,
        product.number,
        printable(product.name),
        f"{product.frequency_mhz:.2f}",
        f"{amplitude:.5g}",
        f"{middle:.1f}",
        f"{block.lag.delay_us:.6g}",
        f"{block.lag.snr:.2f}",
    )
    return fixed_row(cells, WIDTHS)


def _block(block: MonitorBlock) -> dict[str, Any]:
    return asdict(block)


def _relay(options: argparse.Namespace) -> int:
    with connected(options) as client, client.relay(options.types) as messages:
        with contextlib.suppress(KeyboardInterrupt):  # the usual end
            for message in itertools.islice(messages, options.count):
                told = _told(message) if options.json else None
                tell_line(options.json, told, _shown(message, options.raw))
    return DONE


def _told(message: RelayedMessage) -> dict[str, Any]:
    return {
        "type": message.type,
        "from": message.sender,
        "identifier": message.identifier,
        "elements": [
            {"name": e.name, "attributes": e.attributes, "text": e.text.strip()}
            for e in message.elements
        ],
    }


def _shown(message: RelayedMessage, is_raw: bool) -> str:
    if is_raw or message.type == "unknown":
        return printable(message.data.decode(errors="replace"))
    head: Sequence[str] = (message.type, message.sender, message.identifier)
    values = [f"{name}={value}" for name, value in message.values.items() if name != "seqNumber"]
    return printable("  ".join([*head, *values]))


COMMANDS = (
    command(
        "monitor",
        _monitor,
        "show live products of a job, until interrupted",
        argument("input INPUT", "path of its .input file; `bank:NAME` with this project's gateway"),
        flag("--list", "only list its products"),
        argument("--products NUMBERS", "as 0,3; default: all", type=_numbers),
        argument(
            "--fft N",
            "lags of a spectrum, a power of two; default: %(default)s",
            type=count,
            default=DEFAULT_FFT,
        ),
        argument("--count N", "end after so many spectra; default: never", type=count),
        description="Show live products of a job, until interrupted: a line for each product and integration, "
        "with mean amplitude, phase of the middle channel, and the peak of the lags; in JSON with all numbers.",
    ),
    command(
        "relay",
        _relay,
        "show messages of the multicast network, until interrupted",
        argument(
            "--types TYPES",
            f"as status,alert; default: all. Known: {', '.join(TYPES)}",
            type=_keywords,
            default=(ALL_MESSAGES,),
        ),
        argument("--count N", "end after so many messages; default: never", type=count),
        flag("--raw", "as they came"),
    ),
)
