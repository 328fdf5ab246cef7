"""Refresh the JavaScript modules of others that the dashboard ships, with their licences.

Usage: python tools/vendor_js.py [--check]

Needs `npm`, which fetches the packages; nothing of them is run. `--check` only compares what is
there with the list of checksums.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "dashboard" / "static" / "vendor"
CHECKSUMS = "SHA256SUMS"
PACKAGES = {
    "uplot@1.6.32": {
        "dist/uPlot.iife.min.js": "uplot.js",
        "dist/uPlot.min.css": "uplot.css",
        "LICENSE": "uplot.LICENSE",
    },
    "preact@11.2.0": {
        "dist/preact.mjs": "preact.js",
        "hooks/dist/hooks.mjs": "preact-hooks.js",
        "LICENSE": "preact.LICENSE",
    },
    "@preact/signals@2.11.4": {
        "dist/signals.mjs": "signals.js",
        "LICENSE": "signals.LICENSE",
    },
    "@preact/signals-core@1.14.5": {
        "dist/signals-core.mjs": "signals-core.js",
        "LICENSE": "signals-core.LICENSE",
    },
    "htm@3.1.1": {"dist/htm.mjs": "htm.js", "LICENSE": "htm.LICENSE"},
}
"""Package with its version -> file in it -> file here."""
EXPORTS = {"uplot.js": b"export default uPlot;\n"}
"""Text that makes a module of a classic script: uPlot is packed small as such only, half of its module."""
_SOURCE_MAP = re.compile(rb"\n?//# sourceMappingURL=.*\n?$")


def fetch(package: str, folder: Path) -> Path:
    """Return the archive of a package, fetched into a folder."""
    told = subprocess.run(
        ["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True, text=True
    )
    return folder / told.stdout.split()[-1]


def take(archive: Path, files: dict[str, str], into: Path) -> None:
    """Copy files out of an archive; references to source maps, which are not shipped, go."""
    with tarfile.open(archive) as packed:
        for name, ours in files.items():
            member = packed.extractfile(f"package/{name}")
            if member is None:
                raise FileNotFoundError(f"{archive.name}: package/{name} is no file")
            text = _SOURCE_MAP.sub(b"\n", member.read())
            (into / ours).write_bytes(text + EXPORTS.get(ours, b""))


def checksums(folder: Path) -> str:
    """Return the list of checksums of a folder, as `sha256sum` writes it."""
    files = sorted(path for path in folder.iterdir() if path.name != CHECKSUMS)
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files
    )


def refresh() -> None:
    """Fetch all packages, and write the list."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        for package, files in PACKAGES.items():
            take(fetch(package, Path(folder)), files, FOLDER)
    (FOLDER / CHECKSUMS).write_text(checksums(FOLDER))


def main(argv: list[str] | None = None) -> int:
    """Refresh, or compare; 1: something differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="only compare with the checksums")
    if not parser.parse_args(argv).check:
        refresh()
        return 0
    known, found = (FOLDER / CHECKSUMS).read_text(), checksums(FOLDER)
    changed = sorted(set(known.splitlines()) ^ set(found.splitlines()))
    for line in changed:
        print(f"differs: {line}", file=sys.stderr)
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
