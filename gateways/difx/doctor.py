"""Hindrances of a gateway on this host, and their remedies. Starts and changes nothing."""

from __future__ import annotations

import os

from gateways.difx.config import DifxBankConfig, folder_fault, program_fault
from player.findings import Finding, Surroundings
from player.tables import Config

__all__ = ["diagnose"]


def diagnose(config: Config, bank_name: str, around: Surroundings) -> list[Finding]:
    """Return what is wrong with a gateway; see `player.bank.Bank.diagnose`."""
    bank = config.banks[bank_name]
    assert isinstance(bank, DifxBankConfig)
    key = f"banks.{bank_name}"
    found: list[Finding] = []
    for folder in bank.root_folders(config.directory).values():
        why = folder_fault(folder)
        if not why and not os.access(folder, os.W_OK):
            around.note(f"{folder} cannot be written: clients read what is in it, and no more")
        if why:
            text = f"{folder}, a root of clients, {why}"
            found.append(Finding("roots", text, f"make it, or correct {key}.root", bank_name))
    for profile, runner in bank.runner.items():
        for name, words in runner.programs:
            if why := program_fault(words[0]):
                text, _, remedy = why.partition("; ")
                place = f"{key}.runner.{profile}.{name}"
                found.append(Finding("programs", text, f"{remedy}, or correct {place}", bank_name))
    if not bank.runner:
        around.note(f"{key} has no runner profile: clients have files, and no jobs")
    return found
