"""`[DEFAULTS]`, `[HPCMACS]`, `[DEALER]` and `[BANKx]` of the original's file as tables of ours."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from spectrometer.legacyconf.findings import MigrationFinding, Sort
from spectrometer.legacyconf.inifile import IniFile, Section
from spectrometer.legacyconf.part import MigrationPart, Result
from spectrometer.legacyconf.values import boolean, mac_address, numbers, whole

__all__ = ["Resolve", "bank", "bank_name", "dealer", "hpc_macs", "instrument", "lend_filters"]

Resolve = Callable[[str], str | None]
"""Host name -> IPv4 address, or None."""

BANK_KEYS = (
    "hpchost",
    "player_port",
    "has_roach",
    "data_destination_host",
    "data_destination_port",
    "data_source_port",
    "data_source_host",
    "filter_bandwidth_bits",
    "katcp_ip",
    "katcp_port",
    "synth",
    "synth_port",
    "synth_ref",
    "synth_ref_freq",
    "synth_vco_range",
    "synth_rf_level",
    "synth_options",
    "shmkeys",
    "roach_reg_keys",
)
RF_LEVELS = (-4, -1, 2, 5)  # dBm


def instrument(ini: IniFile, section: Section, result: Result) -> dict[str, Any]:
    """`[DEFAULTS]` as `[instrument]`."""
    part = MigrationPart(ini, section, result, ("instrument",))
    part.copy("telescope", ("telescope",), needed=False)
    master = part.copy("who_is_master", ("switching_master",), needed=False)
    part.copy("player_port", ("player_port",), whole, "port", needed=False)
    part.finish(("telescope", "who_is_master", "player_port"), {})
    part.say(
        Sort.DOUBTFUL,
        "player_port",
        "the original's Players listened on all addresses; these do on 127.0.0.1 unless [instrument] bind says so",
    )
    if master is not None and master not in ini.sections:
        part.say(Sort.FAULT, "who_is_master", f"there is no section [{master}]")
    return part.table


def hpc_macs(
    ini: IniFile, section: Section, result: Result, resolve: Resolve | None
) -> dict[str, Any]:
    """`[HPCMACS]`, whose options are hosts."""
    part = MigrationPart(ini, section, result, ("hpc_macs",))
    slots: dict[str, str] = {}
    for option in list(section.options.values()):
        text = part.text(option.name)
        mac = None if text is None else mac_address(text)
        if mac is None:
            part.say(
                Sort.DROPPED, option.name, f"{text!r} is no MAC address; expected 0x and 12 digits"
            )
            continue
        row = {"mac": mac}
        if (ip := address(part, option.name, option.name, resolve, "ended on it")) is not None:
            row["ip"] = ip
            slot = ip.rpartition(".")[2]
            if (other := slots.setdefault(slot, option.name)) != option.name:
                text = f"its address {ip} ends as that of {other}: they share one slot of the ARP table"
                part.say(Sort.DOUBTFUL, option.name, text)
        part.put(option.name, (option.name,), row)
    return part.table


def address(
    part: MigrationPart,
    key: str,
    host: str,
    resolve: Resolve | None,
    original: str = "took it for none without a word",
) -> str | None:
    """Return the address of a host if they are asked for; one that has none is said so, and what
    the original did."""
    if resolve is None:
        return None
    ip = resolve(host)
    if ip is None:
        part.say(
            Sort.DOUBTFUL,
            key,
            f"{host} cannot be resolved here; the original {original}; give its ip",
        )
    return ip


def dealer(ini: IniFile, section: Section, result: Result) -> dict[str, Any]:
    """`[DEALER]` as `[dealer]`."""
    part = MigrationPart(ini, section, result, ("dealer",))
    text = part.text("players")
    if text is not None:
        names = re.split(r"[,\s]+", text.strip(", \t\n"))
        if ", ".join(names) != text:
            part.say(
                Sort.DOUBTFUL,
                "players",
                "the original knew names only between a comma with one blank",
            )
        unique = list(dict.fromkeys(names))
        if unique != names:
            part.say(Sort.DOUBTFUL, "players", "a Player is named twice; once is enough")
        unknown = [name for name in unique if name not in ini.sections]
        if unknown:
            part.say(Sort.FAULT, "players", f"there is no section [{'], ['.join(unknown)}]")
        part.put("players", ("players",), unique)
    part.finish(("players",), {})
    return part.table


def bank_name(section: str) -> str:
    """Return a name that a Bank of ours can have."""
    return re.sub(r"[^A-Z0-9_]", "_", section.upper()).lstrip("_0123456789")


def bank(
    ini: IniFile, section: Section, result: Result, resolve: Resolve | None, common_port: int | None
) -> dict[str, Any]:
    """`[BANKx]` as `[banks.X]`."""
    name = bank_name(section.name)
    part = MigrationPart(ini, section, result, ("banks", name))
    if name != section.name:
        part.say(Sort.DOUBTFUL, "", f"its name becomes {name}: capital letters, digits and _")
    part.copy("hpchost", ("hpc_host",))
    port = part.copy("player_port", ("player_port",), whole, "port", needed=False)
    if port is None:
        part.say(
            Sort.DOUBTFUL,
            "player_port",
            "is missing, which the original refused; that of [instrument] holds",
        )
    elif port == common_port:
        del part.table["player_port"]
    if 0 <= (letter := ord(name[-1:] or "?") - ord("A")) < 26:
        part.table["instance"] = letter
    else:
        part.say(
            Sort.DOUBTFUL,
            "",
            "its number of the shared memory, `instance`, was the last letter; there is none",
        )
    has_roach = part.copy("has_roach", ("has_roach",), boolean, "yes or no")
    part.table.pop("has_roach", None)
    _links(part, resolve, has_roach is True)
    part.copy(
        "filter_bandwidth_bits",
        ("filters",),
        _filters,
        "list of bandwidth and bits",
        needed=has_roach is True,
    )
    part.status()
    part.registers()
    for key in ("shmkeys", "roach_reg_keys"):
        if part.has(key):
            part.say(
                Sort.DOUBTFUL,
                key,
                "the original ignored these values of a Bank; now they hold, under the mode's",
            )
    unused: dict[str, str] = {}
    if has_roach:
        part.copy("katcp_ip", ("roach", "katcp_host"))
        part.copy("katcp_port", ("roach", "katcp_port"), whole, "port")
        _synthesizer(part)
    else:
        of_boards = [key for key in BANK_KEYS if key.startswith(("katcp", "synth"))]
        unused = {key: "the Bank has no ROACH" for key in of_boards if part.has(key)}
    part.finish(BANK_KEYS, unused)
    return part.table


def _links(part: MigrationPart, resolve: Resolve | None, has_roach: bool) -> None:
    for key, needed in (("data_source", has_roach), ("data_destination", True)):
        host = part.copy(f"{key}_host", (key, "host"), needed=needed)
        if (
            host is not None
            and (ip := address(part, f"{key}_host", host, resolve)) is not None
            and ip != host
        ):
            part.table[key]["ip"] = ip
        part.copy(f"{key}_port", (key, "port"), whole, "port")


def _filters(text: str) -> dict[str, int] | None:
    """Bandwidth in MHz -> I2C bits; they stand in turn in the old list."""
    found = numbers(text)
    if found is None or len(found) % 2:
        return None
    return {
        str(int(bandwidth)): bits for bandwidth, bits in zip(found[0::2], found[1::2], strict=True)
    }


def _synthesizer(part: MigrationPart) -> None:
    via = part.text("synth")
    if via is None:
        return
    part.put("synth", ("synth", "via"), via.lower())
    if via.lower() not in ("katcp", "local"):
        part.say(Sort.FAULT, "synth", f"{via[:60]!r} is neither katcp, local nor N/A")
    part.copy("synth_port", ("synth", "port"))
    reference = part.text("synth_ref")
    if reference is not None:
        known = reference.lower() in ("external", "internal")
        if not known:
            part.say(
                Sort.DOUBTFUL,
                "synth_ref",
                f"{reference[:60]!r} counted as internal, and is internal now",
            )
        part.put("synth_ref", ("synth", "reference"), reference.lower() if known else "internal")
    part.copy("synth_ref_freq", ("synth", "reference_hz"), whole, "frequency in Hz")
    part.copy(
        "synth_vco_range", ("synth", "vco_range_mhz"), _so_many(2), "pair of frequencies in MHz"
    )
    level = part.copy("synth_rf_level", ("synth", "rf_level_dbm"), whole, "level in dBm")
    if isinstance(level, int) and level not in RF_LEVELS:
        part.say(
            Sort.FAULT,
            "synth_rf_level",
            f"{level} dBm; the synthesizer has {', '.join(map(str, RF_LEVELS))}",
        )
    part.copy(
        "synth_options",
        ("synth", "options"),
        _options,
        "list of doubler, halver, divider and low spur",
    )


def _so_many(count: int) -> Callable[[str], list[int] | None]:
    def read(text: str) -> list[int] | None:
        found = numbers(text)
        return found if found is not None and len(found) == count else None

    return read


def _options(text: str) -> dict[str, Any] | None:
    found = _so_many(4)(text)
    if found is None:
        return None
    double, half, divider, low_spur = found
    return {
        "double": bool(double),
        "half": bool(half),
        "divider": divider,
        "low_spur": bool(low_spur),
    }


def lend_filters(
    banks: dict[str, dict[str, Any]], sections: dict[str, Section], result: Result
) -> None:
    """Give Banks without a ROACH the filters of the first that has some: in ours every Bank has
    those of every mode."""
    lender = next(
        (name for name, table in banks.items() if isinstance(table.get("filters"), dict)), None
    )
    for name, table in banks.items():
        if lender is not None and "filters" not in table and "roach" not in table:
            table["filters"] = dict(banks[lender]["filters"])
            section = sections[name]
            text = f"is not given; the filters of {lender} are taken"
            key = "filter_bandwidth_bits"
            result.findings.append(
                MigrationFinding(section.line, section.name, key, Sort.DOUBTFUL, text)
            )
