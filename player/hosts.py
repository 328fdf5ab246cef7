"""Banks that belong to this host: host names compared as text. Resolves none of them."""

from __future__ import annotations

from collections.abc import Mapping

from groundwork.addresses import is_loopback_host
from player.errors import BankNameError

__all__ = ["banks_here", "banks_of_host", "infer_bank"]

LOOPBACK_NAMES = ("localhost", "localhost.localdomain", "localhost4", "localhost6", "ip6-localhost")


def _digits_go_on(longer: str, cut: int) -> bool:
    """Tell whether a cut would split a number: `hpc1` is no beginning of `hpc10`."""
    return longer[cut - 1].isdigit() and longer[cut].isdigit()


def _resembles(one: str, other: str) -> bool:
    """Tell whether one name begins or ends the other: `hpc1` and `hpc1-1`, `hpc1` and
    `vegas-hpc1`."""
    short, longer = sorted((one, other), key=len)
    if not short or len(short) == len(longer):
        return False
    begins = longer.startswith(short) and not _digits_go_on(longer, len(short))
    ends = longer.endswith(short) and not _digits_go_on(longer, len(longer) - len(short))
    return begins or ends


def banks_of_host(hosts: Mapping[str, str], local: str) -> list[str]:
    """Return the Banks of a host, in the order given.

    An equal name wins, with or without the domain; then a name that begins or ends the other, as in
    the original, where `hpc1` and `hpc1-1` are the same host.

    Args:
        hosts: Bank -> `hpc_host`.
        local: Name of the host in question.

    Raises:
        BankNameError: Several hosts of the file resemble this one.
    """
    name = local.lower()
    exact = [bank for bank, host in hosts.items() if host.lower() == name]
    if exact:
        return exact
    short = [
        bank for bank, host in hosts.items() if host.lower().split(".")[0] == name.split(".")[0]
    ]
    found = short or [bank for bank, host in hosts.items() if _resembles(host.lower(), name)]
    if len({hosts[bank].lower() for bank in found}) > 1:
        listed = ", ".join(f"{hosts[bank]} ({bank})" for bank in found)
        raise BankNameError(f"host {local} could be any of {listed}; name the Bank: player BANK")
    return found


def banks_here(hosts: Mapping[str, str], local: str) -> list[str]:
    """Return the Banks of this host, in the order given: those of its name, and those of a loopback
    address.

    Args:
        hosts: Bank -> `hpc_host`.
        local: Name of this host.

    Raises:
        BankNameError: Several hosts of the file resemble this one.
    """
    looped = [
        bank
        for bank, host in hosts.items()
        if is_loopback_host(host) or host.lower() in LOOPBACK_NAMES
    ]
    others = {bank: host for bank, host in hosts.items() if bank not in looped}
    named = banks_of_host(others, local)
    return [bank for bank in hosts if bank in looped or bank in named]


def infer_bank(hosts: Mapping[str, str], local: str) -> str:
    """Return the one Bank of this host.

    Raises:
        BankNameError: There is none, or more than one.
    """
    found = banks_here(hosts, local)
    if not found:
        listed = ", ".join(f"{bank} on {host}" for bank, host in hosts.items())
        raise BankNameError(
            f"no Bank runs on host {local}; there are {listed}; name the Bank: player BANK"
        )
    if len(found) > 1:
        raise BankNameError(f"host {local} runs {', '.join(found)}; name one: player BANK")
    return found[0]
