"""Pictures of the dashboard's pages for README and documentation: `make pictures` takes them of the
demo, in Chromium, and writes them into docs/_static.

With each goes a digest of what its page is made of, so that a test finds out that it is of another page
than there is now.
"""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from PIL import Image  # comes with matplotlib
from support.chromium import Watched
from support.player_run import ROOT, clean_environment

from benchmarks.chromium import chromium, why_not

__all__ = ["DIGESTS", "FOLDER", "PICTURES", "Picture", "digest_of", "main", "sources_of"]

FOLDER = ROOT / "docs" / "_static"
DIGESTS = FOLDER / "dashboard.json"
STATIC = ROOT / "dashboard" / "static"
DESK, WIDE, PHONE = (1440, 860), (1280, 420), (390, 844)
SETTLE_MS = 15_000
"""For curves, a waterfall of several rows, and a log of some lines."""
IMPORT = re.compile(r"""^\s*(?:import|export)\b[^"';]*?["'](\.[^"']+)["']""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture.

    Attributes:
        name: Of its file.
        path: Address that is shown.
        page: Module of the page, below the folder of assets.
        theme: As it is called in the bar.
        size: Of the window.
    """

    name: str
    path: str
    page: str
    theme: str = "light"
    size: tuple[int, int] = DESK


PICTURES = (
    Picture("dashboard-overview.png", "/", "pages/overview.js", "light", WIDE),
    Picture("dashboard-overview-phone.png", "/", "pages/overview.js", "dark", PHONE),
    Picture("dashboard-bank.png", "/bank/BANKA", "pages/bank.js", "dark"),
    Picture("dashboard-bank-red.png", "/bank/BANKC", "pages/bank.js", "red"),
    Picture("dashboard-hosts.png", "/hosts", "pages/hosts.js"),
    Picture("dashboard-alarms.png", "/alarms", "pages/alarms.js", "dark", WIDE),
    Picture("dashboard-log.png", "/log", "pages/log.js"),
    Picture("dashboard-log-phone.png", "/log", "pages/log.js", "light", PHONE),
)


def sources_of(page: str) -> list[str]:
    """Return the files that a page is made of, by name: its module, all that it and the frame import,
    and the styles; not what other people wrote."""
    styles = [path.relative_to(STATIC).as_posix() for path in (STATIC / "style").glob("*.css")]
    found, left = {"index.html", *styles}, [page, "main.js"]
    while left:
        name = left.pop()
        if name in found:
            continue
        found.add(name)
        text = (STATIC / name).read_text(encoding="utf-8")
        folder = posixpath.dirname(name)
        left += [posixpath.normpath(posixpath.join(folder, each)) for each in IMPORT.findall(text)]
    return sorted(name for name in found if not name.startswith("vendor/"))


def digest_of(page: str) -> str:
    """Return the digest of a page's sources."""
    digest = hashlib.sha256()
    for name in sources_of(page):
        digest.update(f"{name}\n".encode() + (STATIC / name).read_bytes())
    return digest.hexdigest()


def take(browser: Any, origin: str, picture: Picture) -> None:
    """Take a picture, and write it."""
    width, height = picture.size
    seen = Watched(
        browser, origin, viewport={"width": width, "height": height}, reduced_motion="reduce"
    )
    page = seen.open(picture.path)
    page.get_by_label("theme").select_option(picture.theme)
    page.locator("main h1").wait_for()
    page.wait_for_timeout(SETTLE_MS)
    page.mouse.move(0, 0)
    taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    seen.close()
    taken.save(FOLDER / picture.name, optimize=True)
    print(picture.name, flush=True)


def main() -> int:
    """Take all; 0 done, 1 no browser or no demo."""
    if why := why_not():
        print(f"pictures: {why}", file=sys.stderr)
        return 1
    command = [sys.executable, "examples/demo_dashboard.py", "--seconds", "900"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=clean_environment()
    ) as demo:
        assert demo.stdout is not None
        try:
            origin = ""
            for line in demo.stdout:
                if line.strip().startswith("http://"):
                    origin = line.strip()
                if "lost its image" in line:
                    break
            else:
                print("pictures: the demo ended before its fault", file=sys.stderr)
                return 1
            with chromium() as browser:
                for picture in PICTURES:
                    take(browser, origin, picture)
        finally:
            demo.terminate()
            demo.stdout.read()
    digests = {picture.name: digest_of(picture.page) for picture in PICTURES}
    DIGESTS.write_text(json.dumps(digests, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
