"""Pages and their content security policy."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from fastapi.testclient import TestClient

from dashboard.assets import Page, import_map_hash, served_folder, without_comments


def test_the_import_map_is_allowed_by_its_hash(tmp_path: Path) -> None:
    text = b'\n{"imports": {"a": "/static/a.js"}}\n'
    page = b'<!doctype html><script type="importmap">' + text + b"</script><script src=x></script>"
    expected = base64.b64encode(hashlib.sha256(text).digest()).decode()
    assert import_map_hash(page) == f"sha256-{expected}"
    (tmp_path / "index.html").write_bytes(page)
    policy = Page(tmp_path / "index.html").response().headers["content-security-policy"]
    assert f"script-src 'self' 'sha256-{expected}';" in policy
    assert "unsafe" not in policy


def test_a_page_without_an_import_map_may_run_no_inline_script(tmp_path: Path) -> None:
    (tmp_path / "login.html").write_text("<script>alert(1)</script>")
    policy = Page(tmp_path / "login.html").response().headers["content-security-policy"]
    assert "script-src 'self';" in policy


MODULE = """// What it is.
/**
 * @param {string} a
 */
export const f = (/** @type {any} */ a) => `${a} // no comment`; // kept
  // gone
"""
BARE = """



export const f = ( a) => `${a} // no comment`; // kept

"""


def test_comments_are_not_sent_and_lines_keep_their_numbers() -> None:
    assert without_comments(MODULE) == BARE


def test_only_our_modules_lose_their_comments_and_all_are_revalidated(tmp_path: Path) -> None:
    (tmp_path / "vendor").mkdir()
    for name in ("a.js", "vendor/b.js", "c.css"):
        (tmp_path / name).write_text(MODULE)
    ours, other = (TestClient(served_folder(tmp_path, is_ours=each)) for each in (True, False))
    assert ours.get("/a.js").text == BARE
    assert [ours.get(path).text for path in ("/vendor/b.js", "/c.css")] == [MODULE, MODULE]
    assert other.get("/a.js").text == MODULE
    answer = ours.get("/a.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    again = ours.get("/a.js", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.headers["etag"]) == (304, answer.headers["etag"])
