"""All targets."""

from __future__ import annotations

from tools.fuzz import access, difx, histograms, instruments, ports, proxy, web

TARGETS = {
    target.name: target
    for module in (proxy, access, ports, instruments, histograms, difx, web)
    for target in module.TARGETS
}
