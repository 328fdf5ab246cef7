"""Pages and their content security policy."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from dashboard.assets import Page, import_map_hash


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
