"""The original's INI file, `dibas.conf`, into our TOML: pure text to text, with a list of what was
dropped or doubted.

Host names are resolved only by the function that a caller gives. Opens no file; the command that
does is `command`.
"""

from __future__ import annotations

from dataclasses import dataclass

from spectrometer.legacyconf import array, modes
from spectrometer.legacyconf.array import Resolve
from spectrometer.legacyconf.document import write
from spectrometer.legacyconf.findings import MigrationFinding, Sort, report
from spectrometer.legacyconf.inifile import Section, read_ini
from spectrometer.legacyconf.part import Result
from spectrometer.legacyconf.sharing import share

__all__ = ["Migration", "MigrationFinding", "Sort", "migrate", "report"]

DEFAULTS, HPCMACS, DEALER = "DEFAULTS", "HPCMACS", "DEALER"


@dataclass(frozen=True, slots=True)
class Migration:
    """Outcome of the migration of a file.

    Attributes:
        toml: The new file.
        findings: What was dropped, what is doubtful and what is wrong, in the order of the old
            file.
    """

    toml: str
    findings: tuple[MigrationFinding, ...]

    @property
    def faults(self) -> list[MigrationFinding]:
        """Those without which the new file would be usable."""
        return [finding for finding in self.findings if finding.sort is Sort.FAULT]


def migrate(text: str, resolve: Resolve | None = None) -> Migration:
    """Return a file of the original, 2014 or the 2017 fork, as TOML.

    Args:
        text: The file; whatever it is, there is a result.
        resolve: Host name -> IPv4 address or None, to write addresses beside names; None: names
            alone.
    """
    ini = read_ini(text)
    result = Result(head=list(ini.head), tail=list(ini.tail), findings=list(ini.findings))
    if ini.common.options:
        text = "its options hold in every Bank and mode; they are written into each"
        result.findings.append(
            MigrationFinding(ini.common.line, ini.common.name, "", Sort.DOUBTFUL, text)
        )
    tables = result.tables
    tables["instrument"] = array.instrument(
        ini, ini.sections.get(DEFAULTS) or Section(DEFAULTS, 0), result
    )
    if (section := ini.sections.get(DEALER)) is not None:
        tables["dealer"] = array.dealer(ini, section, result)
    if (section := ini.sections.get(HPCMACS)) is not None:
        tables["hpc_macs"] = array.hpc_macs(ini, section, result, resolve)
    banks: dict[str, Section] = {}
    whole: dict[str, dict[str, object]] = {}
    tables["banks"] = {}
    for section in ini.sections.values():
        if section.name in (DEFAULTS, DEALER, HPCMACS):
            continue
        name = array.bank_name(section.name)
        place = (section.line, section.name, "")
        if "BANK" in section.name:
            if name in banks:
                text = f"would be the Bank {name} as [{banks[name].name}] is; left out"
                result.findings.append(MigrationFinding(*place, Sort.FAULT, text))
                continue
            banks[name] = section
            port = tables["instrument"].get("player_port", 6667)
            tables["banks"][name] = array.bank(ini, section, result, resolve, port)
        elif "MODE" in section.name:
            table = modes.mode(ini, section, result, resolve, tables["instrument"].get("telescope"))
            if table is not None:
                whole[section.name] = table
        else:
            keys = ", ".join(option.spelled for option in section.options.values())
            text = f"neither BANK nor MODE is in its name (in capitals), so nothing read it; its keys: {keys or 'none'}"
            result.findings.append(MigrationFinding(*place, Sort.DROPPED, text))
    array.lend_filters(tables["banks"], banks, result)
    result.findings += modes.filter_faults(whole, tables["banks"], ini)
    result.findings += modes.odd_registers(whole, ini)
    defaults, tables["modes"] = share(whole, result.comments)
    tables.update({"mode_defaults": defaults, "modes": tables.pop("modes")})
    for name in [name for name, table in tables.items() if not table and name != "instrument"]:
        del tables[name]
    order = {finding: number for number, finding in enumerate(dict.fromkeys(result.findings))}
    return Migration(
        write(result), tuple(sorted(order, key=lambda finding: (finding.line, order[finding])))
    )
