"""All targets."""

from __future__ import annotations

from tools.fuzz import difx, histograms, instruments, ports, proxy, web

TARGETS = {
    target.name: target
    for module in (proxy, ports, instruments, histograms, difx, web)
    for target in module.TARGETS
}
