"""Pages and their content security policy."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from pathlib import Path
from typing import Any

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
  f(1);
"""
BARE = """



export const f = ( a) => `${a} // no comment`; // kept

f(1);
"""


def test_comments_are_not_sent_and_lines_keep_their_numbers() -> None:
    assert without_comments(MODULE) == BARE


def get(
    application: Any, path: str, *headers: tuple[bytes, bytes]
) -> tuple[int, dict[str, str], str]:
    """Ask an ASGI application: status, headers, body."""
    sent, asked = list[dict[str, Any]](), list[str]()

    async def receive() -> dict[str, Any]:  # whoever asks stays until the end
        if asked:
            await asyncio.Event().wait()
        asked.append(path)
        return {"type": "http.request"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "headers": list(headers)}
    asyncio.run(application(scope, receive, send))
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], told, b"".join(part.get("body", b"") for part in sent[1:]).decode()


def test_what_is_ours_loses_its_comments_and_all_is_revalidated(tmp_path: Path) -> None:
    (tmp_path / "vendor").mkdir()
    for name in ("a.js", "vendor/b.js", "c.svg"):
        (tmp_path / name).write_text(MODULE)
    (tmp_path / "d.css").write_text("/* Bars. */\n.bar { color: red; } /* of\nall */\n")
    ours, other = (served_folder(tmp_path, is_ours=each) for each in (True, False))
    assert [get(ours, path)[2] for path in ("/vendor/b.js", "/c.svg")] == [MODULE, MODULE]
    _, headers, body = get(ours, "/d.css")
    assert (headers["content-type"][:8], body) == ("text/css", "\n.bar { color: red; } \n\n")
    assert get(other, "/a.js")[2] == MODULE
    _, headers, body = get(ours, "/a.js")
    assert body == BARE
    assert headers["content-type"].startswith("text/javascript")
    status, again, _ = get(ours, "/a.js", (b"if-none-match", headers["etag"].encode()))
    assert (status, again["etag"]) == (304, headers["etag"])
