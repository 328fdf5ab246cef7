"""Any text in the place of the original's file, and what modes share in the new one."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.legacyconf import BANK, MODE, faults

from spectrometer.legacyconf import migrate, report
from spectrometer.legacyconf.sharing import share

VALUES = st.sampled_from(
    [
        "1",
        "0x10",
        "N/A",
        "yes",
        "a,1,b",
        "BANKA",
        "%(nchan)s",
        "%(",
        '"',
        "${X}",
        "",
        "h1k",
        "-1",
        "nan",
        "9" * 30,
    ]
)
KEYS = [
    *sorted({line.split(" = ")[0] for text in (BANK, MODE) for line in text.splitlines()[1:]}),
    "shmkeys",
    "roach_reg_keys",
    "reset_phase",
    "synth",
    "katcp_ip",
    "cdd_hpcs",
    "cdd_data_interfaces",
    "who_is_master",
    "telescope",
    "players",
    "gain",
    "a.b",
]
LINES = st.one_of(
    st.sampled_from(
        [
            "[BANKA]",
            "[MODE1]",
            "[MODE 2]",
            "[DEFAULTS]",
            "[HPCMACS]",
            "[DEALER]",
            "[DEFAULT]",
            "[BANK]",
        ]
    ),
    st.builds("{} = {}".format, st.sampled_from(KEYS), VALUES),
    st.builds("{} = {}".format, st.sampled_from(KEYS), st.text(max_size=12)),
    st.builds(" {}".format, st.text(max_size=8)),
    st.builds("#{}".format, st.text(max_size=8)),
    st.text(max_size=12),
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(LINES, max_size=25).map("\n".join))


@settings(max_examples=150)
@given(TEXTS)
@example("[MODE\x00]\nMODENAME = h1k\x7f\n#\x00\u2028\n")
@example("[MODE.'\"\\]\nshmkeys = a.b\na.b = \ud7ff\n[ ]\n[BANK\u0130]\n")
def test_any_text_becomes_toml_that_is_sound_or_whose_faults_are_listed(text: str) -> None:
    migration = migrate(text)
    tomllib.loads(migration.toml)
    report(migration.findings, "old.conf")


@settings(max_examples=25)
@given(st.lists(LINES, max_size=12).map("\n".join))
def test_what_does_not_pass_the_check_fails_by_its_keys(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    migration = migrate(BANK + MODE + text)
    assert all(
        fault.key for fault in faults(migration.toml, tmp_path_factory.mktemp("any"))
    )  # never of the TOML


SMALL = st.dictionaries(
    st.sampled_from("abcd"),
    st.one_of(
        st.integers(0, 2),
        st.just(1.0),
        st.dictionaries(st.sampled_from("xy"), st.integers(0, 2), min_size=1),
    ),
)


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["h1k", "l1/lbw1", "l8/lbw1", "l8/lbw8", "guppi-codd", "other"]), SMALL
        )
    )
)
def test_what_is_shared_leaves_every_mode_as_it_was(
    drawn: list[tuple[str, dict[str, Any]]],
) -> None:
    modes = {
        f"M{number}": {"backend": backend, **table} for number, (backend, table) in enumerate(drawn)
    }
    defaults, own = share(modes, {})

    def whole(table: dict[str, Any]) -> dict[str, Any]:
        if "inherits" not in table:
            return table
        return over(
            whole(defaults[table["inherits"]]),
            {key: table[key] for key in table if key != "inherits"},
        )

    def over(under: dict[str, Any], table: dict[str, Any]) -> dict[str, Any]:
        both = {
            key: over(under[key], table[key])
            if isinstance(table[key], dict) and isinstance(under.get(key), dict)
            else table[key]
            for key in table
        }
        return {**under, **both}

    assert {name: whole(table) for name, table in own.items()} == modes
