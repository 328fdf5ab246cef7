"""`[MODEx]` of the original's file as tables of ours, each whole; what modes share is found in
`sharing`."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from groundwork.errors import did_you_mean
from spectrometer.backendnames import BACKEND_NAMES, GUPPI_COHERENT
from spectrometer.legacyconf.array import Resolve, address
from spectrometer.legacyconf.findings import MigrationFinding, Sort
from spectrometer.legacyconf.inifile import IniFile, Section
from spectrometer.legacyconf.part import MigrationPart, Result
from spectrometer.legacyconf.values import numbers, phase, real, words
from spectrometer.legacyconf.values import whole as integer

__all__ = ["FORK_BACKENDS", "filter_faults", "mode", "odd_registers"]

FORK_BACKENDS = frozenset(
    {
        "hi_correlator",
        "cal_correlator",
        "frb_correlator",
        "pulsar_beamformer",
        "flag_hi_rtbf",
        "flag_frb_rtbf",
    }
)
"""MODENAMEs of the 2017 fork's beamformer, which this project does not control."""

HISTORIC = {
    "hpc_fifo_name": "nothing ever read it; commands go to the data-taking program's standard input",
    "file_system": "nothing ever read it",
}
ONLY_NAMED = (
    "sg_period",
    "acc_len",
    "fftshift",
    "FFT_SHIFT",
    "DC_EN",
    "OBS_MODE",
    "CAL_DCYC",
    "CAL_FREQ",
    "CAL_MODE",
    "DS_FREQ",
    "TELESCOP",
    "BW_MODE",
    "_SWSGPLY",
)
HISTORIC |= {
    key.lower(): "neither shmkeys nor roach_reg_keys names it, so the original did nothing with it"
    for key in ONLY_NAMED
}
MODE_KEYS = (
    "MODENAME",
    "BACKEND",
    "bof_file",
    "nchan",
    "filter_bw",
    "frequency",
    "hwexposr",
    "hpc_program",
    "hpc_program_flags",
    "hpc_fifo_name",
    "needed_arm_delay",
    "gigabit_interface_name",
    "dest_ip_register_name",
    "dest_port_register_name",
    "arm_phase",
    "reset_phase",
    "postarm_phase",
    "shmkeys",
    "roach_reg_keys",
    "master_slave_sel",
    "gain",
    "cdd_hpcs",
    "cdd_data_interfaces",
    "cdd_master_hpc",
    "file_system",
    *ONLY_NAMED,
)
COHERENT_KEYS = ("cdd_hpcs", "cdd_data_interfaces", "cdd_master_hpc")
FITS_WRITER = "vegasFitsWriter"  # the original started it beside every VEGAS program
HIGHEST_MHZ = 5000.0  # the original took a number above it for Hz


def mode(
    ini: IniFile, section: Section, result: Result, resolve: Resolve | None, telescope: str | None
) -> dict[str, Any] | None:
    """`[MODEx]` as a whole `[modes.X]`, without `inherits`; None for one of the fork's
    beamformer."""
    part = MigrationPart(ini, section, result, ("modes", section.name))
    modename = part.text("MODENAME")
    if modename is not None and modename.lower() in FORK_BACKENDS:
        text = f"{modename} is the beamformer of the 2017 fork, which has no Backend here; the mode is left out"
        part.say(Sort.DROPPED, "MODENAME", text)
        return None
    part.copy("MODENAME", ("backend",), str.lower)
    if modename is not None and modename.lower() not in BACKEND_NAMES:
        text = f"{modename[:60]!r} is no Backend{did_you_mean(modename.lower(), BACKEND_NAMES)}"
        part.say(Sort.FAULT, "MODENAME", text)
    part.copy("bof_file", ("bof_file",))
    part.copy("nchan", ("nchan",), integer, "number of channels")
    part.copy("filter_bw", ("filter_bw_mhz",), integer, "bandwidth in MHz")
    _frequency(part)
    part.copy("hwexposr", ("hwexposr_s",), real, "time in s", needed=False)
    part.copy("needed_arm_delay", ("needed_arm_delay_s",), integer, "whole number of seconds")
    family = _programs(part)
    part.copy("gigabit_interface_name", ("network", "core"))
    part.copy("dest_ip_register_name", ("network", "dest_ip"))
    part.copy("dest_port_register_name", ("network", "dest_port"))
    _master_slave(part)
    part.copy("gain", ("gain",), numbers, "list of integers", needed=False)
    part.status({"BACKEND": family} if family else None)
    _against_overwriting(part, family, telescope)
    part.registers()
    _phases(part)
    _coherent(part, modename, resolve)
    part.finish(MODE_KEYS, HISTORIC)
    return part.table


def _frequency(part: MigrationPart) -> None:
    value = part.copy("frequency", ("frequency_mhz",), real, "frequency in MHz")
    if isinstance(value, float) and abs(value) > HIGHEST_MHZ:
        part.table["frequency_mhz"] = value / 1e6
        part.say(
            Sort.DOUBTFUL,
            "frequency",
            f"above {HIGHEST_MHZ:g} it was in Hz; it is {value / 1e6:g} MHz now",
        )
    elif value == 0:
        part.say(Sort.FAULT, "frequency", "is 0; the sampler needs a clock")


def _programs(part: MigrationPart) -> str | None:
    """Take the programs; returns the family of the data-taking program."""
    family = part.text("BACKEND")
    if family is None:
        part.say(Sort.FAULT, "BACKEND", "is missing; expected VEGAS or GUPPI")
    elif family.upper() not in ("VEGAS", "GUPPI"):
        part.say(Sort.FAULT, "BACKEND", f"{family[:60]!r}; expected VEGAS or GUPPI")
    part.copy("hpc_program", ("daq", "program"))
    part.copy("hpc_program_flags", ("daq", "args"), str.split, needed=False)
    if family is not None:
        part.put("BACKEND", ("daq", "buffers"), family.lower())
    if family is not None and family.upper() == "VEGAS":
        part.table["fits"] = {"program": FITS_WRITER}
    if family == "GUPPI" and "BACKEND" not in [
        word.upper() for word in words(part.text("shmkeys") or "")
    ]:
        part.say(
            Sort.DOUBTFUL,
            "BACKEND",
            "the original never wrote this status key in this mode; now it is GUPPI",
        )
    return family


def _master_slave(part: MigrationPart) -> None:
    text = part.text("master_slave_sel")
    found = None if text is None else numbers(text)
    if text is None:
        part.say(
            Sort.FAULT, "master_slave_sel", "is missing: six values of the register ssg_ms_sel"
        )
        return
    if found is None or len(found) != 6:
        part.say(
            Sort.DOUBTFUL,
            "master_slave_sel",
            f"{text[:60]!r} is not six integers; all 0, as the original had it",
        )
        found = [0] * 6
    part.put("master_slave_sel", ("master_slave_sel",), found)


def _against_overwriting(part: MigrationPart, family: str | None, telescope: str | None) -> None:
    """Look at status values that the original overwrote, and that hold now."""
    status = part.table.get("status", {})
    if "TELESCOP" in status:
        value = status["TELESCOP"]
        if telescope is None:
            text = f"the original overwrote it with `unspecified`; now status TELESCOP is {value}"
            part.say(Sort.DOUBTFUL, "TELESCOP", text)
        else:
            del status["TELESCOP"]
            text = f"{value} was overwritten by the original; now TELESCOP is [instrument] telescope, {telescope}"
            part.say(Sort.DROPPED, "TELESCOP", text)
    if family == "GUPPI":
        for key in ("CAL_FREQ", "CAL_MODE"):
            if key in status:
                part.say(Sort.DOUBTFUL, key, "the original overwrote it in `prepare`; now it holds")


def _phases(part: MigrationPart) -> None:
    given = {}
    for name in ("reset", "arm", "postarm"):
        key = f"{name}_phase"
        text = part.text(key)
        given[name] = text
        if text is None:
            if name == "arm":
                part.say(Sort.FAULT, key, "is missing: without it no scan can start")
            continue
        pairs, left, blanks = phase(text)
        if left and (pairs or left != "nop"):  # nop alone is how an empty phase was written
            said = f"its last word {left[:40]!r} has no partner and is left out, as the original did without a word"
            part.say(Sort.DOUBTFUL, key, said)
        if blanks:
            names = ", ".join(sorted(set(blanks)))
            said = f"blanks around {names[:60]} are left out; the original took them for a part of the register's name"
            part.say(Sort.DOUBTFUL, key, said)
        for word, value in pairs:
            if isinstance(value, str):
                part.say(Sort.FAULT, key, f"{value[:40]!r} is no value for {word[:40]!r}")
        if pairs:
            part.put(key, ("phases", name), pairs)
        else:
            part.comment(
                part.path, part.section.options[key].comments if key in part.section.options else []
            )
    if given["postarm"] is None and part.table.get("phases", {}).get("reset"):
        text = "the original never ran it, because it took an empty postarm_phase for both; now it runs"
        part.say(Sort.DOUBTFUL, "reset_phase", text)


def _coherent(part: MigrationPart, modename: str | None, resolve: Resolve | None) -> None:
    there = [key for key in COHERENT_KEYS if part.has(key)]
    if modename is None or modename.lower() != GUPPI_COHERENT:
        for key in there:
            part.text(key)
            part.say(Sort.DROPPED, key, f"only a mode of {GUPPI_COHERENT} is coherent")
        return
    missing = [key for key in COHERENT_KEYS if key not in there]
    if missing:
        text = f"{', '.join(missing)} missing: a mode of {GUPPI_COHERENT} needs all three"
        part.say(Sort.FAULT, there[0] if there else "MODENAME", text)
    part.copy("cdd_master_hpc", ("coherent", "master"), needed=False)
    nodes = part.copy("cdd_hpcs", ("coherent", "nodes"), words, needed=False)
    strangers = [node for node in nodes or () if node not in part.ini.sections]
    if strangers:
        part.say(Sort.FAULT, "cdd_hpcs", f"there is no section [{'], ['.join(strangers)}]")
    hosts = part.copy("cdd_data_interfaces", ("coherent", "interfaces"), words, needed=False) or []
    for key, found in (("cdd_hpcs", nodes or []), ("cdd_data_interfaces", hosts)):
        if found and len(found) != 8:
            part.say(Sort.FAULT, key, f"{len(found)} of them; a coherent mode has 8 nodes")
    if resolve is not None and hosts:
        found_ips = [(host, address(part, "cdd_data_interfaces", host, resolve)) for host in hosts]
        part.table["coherent"]["interfaces"] = [
            {"host": host} if ip is None else {"host": host, "ip": ip} for host, ip in found_ips
        ]


def filter_faults(
    modes: Mapping[str, Mapping[str, Any]], banks: Mapping[str, Mapping[str, Any]], ini: IniFile
) -> list[MigrationFinding]:
    """Return a fault for each mode whose filter a Bank does not have; the original failed when it
    was used."""
    findings: list[MigrationFinding] = []
    for name, table in modes.items():
        wanted = table.get("filter_bw_mhz")
        lacking = [
            bank
            for bank, of_bank in banks.items()
            if isinstance(of_bank.get("filters"), dict) and str(wanted) not in of_bank["filters"]
        ]
        if isinstance(wanted, int) and lacking:
            option = ini.find(ini.sections[name], "filter_bw")
            text = f"{', '.join(lacking)} {'has' if len(lacking) == 1 else 'have'} no filter of {wanted} MHz"
            findings.append(
                MigrationFinding(option.line if option else 0, name, "filter_bw", Sort.FAULT, text)
            )
    return findings


def odd_registers(modes: Mapping[str, Mapping[str, Any]], ini: IniFile) -> list[MigrationFinding]:
    """Return a doubt for each register of a phase that is in one mode only, and nearly that of
    several modes."""
    users: dict[str, set[str]] = {}
    places: dict[str, tuple[str, str]] = {}
    for name, table in modes.items():
        for phase_name, pairs in table.get("phases", {}).items():
            for register, _ in pairs:
                users.setdefault(register, set()).add(name)
                places[register] = (name, f"{phase_name}_phase")
    counts = Counter({register: len(names) for register, names in users.items()})
    usual = [register for register, count in counts.items() if count > 1]
    findings: list[MigrationFinding] = []
    for register, (name, key) in places.items():
        close = (
            difflib.get_close_matches(register, usual, n=1, cutoff=0.85)
            if counts[register] == 1
            else []
        )
        if close:
            option = ini.find(ini.sections[name], key)
            text = (
                f"no other mode has a register {register}; is {close[0]} meant? It stays as it is"
            )
            findings.append(
                MigrationFinding(option.line if option else 0, name, key, Sort.DOUBTFUL, text)
            )
    return findings
