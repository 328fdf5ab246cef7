"""Banks that a host name means."""

from __future__ import annotations

import pytest

from player.errors import BankNameError
from player.hosts import banks_here, banks_of_host, infer_bank

SHANGHAI = {f"BANK{letter}": f"hpc{number}" for number, letter in enumerate("ABCDEFGH", start=1)}


@pytest.mark.parametrize(
    ("hosts", "local", "bank"),
    [
        (SHANGHAI, "hpc3", "BANKC"),
        (SHANGHAI, "HPC3", "BANKC"),
        (SHANGHAI, "hpc3.shao.ac.cn", "BANKC"),
        (SHANGHAI, "hpc1-1", "BANKA"),  # the original's own example
        (SHANGHAI, "vegas-hpc8", "BANKH"),
        ({"BANKA": "hpc1-10", "BANKB": "hpc2-10"}, "hpc2", "BANKB"),
        ({"BANKA": "hpc1", "BANKJ": "hpc10"}, "hpc10", "BANKJ"),  # the original took BANKA
        ({"BANKA": "hpc1", "BANKB": "hpc1-1"}, "hpc1-1", "BANKB"),  # an equal name wins
        ({"BANKA": "hpc1.shao.ac.cn", "BANKB": "hpc1-1"}, "hpc1", "BANKA"),
        ({"BANKA": "hpc"}, "hpc4", "BANKA"),
    ],
)
def test_a_host_name_means_one_bank(hosts: dict[str, str], local: str, bank: str) -> None:
    assert infer_bank(hosts, local) == bank


@pytest.mark.parametrize("local", ["hpc10", "hpc11", "xpc1x", "", "localhost"])
def test_a_number_is_not_cut_and_strangers_have_no_bank(local: str) -> None:
    assert banks_of_host(SHANGHAI, local) == []
    with pytest.raises(
        BankNameError, match=r"no Bank runs on host .*; there are BANKA on hpc1, .*name the Bank"
    ):
        infer_bank(SHANGHAI, local)


def test_a_name_that_resembles_several_hosts_is_an_error_that_names_them() -> None:
    with pytest.raises(
        BankNameError, match=r"host hpc could be any of hpc1 \(BANKA\), hpc2 \(BANKB\)"
    ):
        banks_of_host({"BANKA": "hpc1", "BANKB": "hpc2"}, "hpc")


def test_several_banks_of_one_host_have_to_be_named() -> None:
    hosts = {"BANKA": "hpc1", "BANKB": "hpc1", "BANKC": "hpc2"}
    assert banks_of_host(hosts, "hpc1") == ["BANKA", "BANKB"]
    with pytest.raises(BankNameError, match="host hpc1 runs BANKA, BANKB; name one"):
        infer_bank(hosts, "hpc1")


def test_a_loopback_host_of_the_file_is_this_host() -> None:
    hosts = {
        "A": "localhost",
        "B": "hpc1",
        "C": "127.0.0.1",
        "D": "hpc2",
        "E": "::1",
        "F": "LOCALHOST",
    }
    assert banks_here(hosts, "laptop") == ["A", "C", "E", "F"]
    assert banks_here(hosts, "hpc1") == ["A", "B", "C", "E", "F"]
    assert banks_of_host(hosts, "hpc1") == ["B"]
    assert infer_bank({"A": "localhost", "B": "hpc2"}, "laptop") == "A"
