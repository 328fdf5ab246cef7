"""Packages that come with extras of this distribution, and the sentence for one that is not
installed."""

from __future__ import annotations

__all__ = ["EXTRAS", "install_advice"]

EXTRAS = {
    "aiokatcp": "instruments",
    "astropy": "fits",
    "asyncpg": "postgres",
    "boost_histogram": "histogrammer",
    "duckdb": "archive",
    "fastapi": "web",
    "httptools": "web",
    "jinja2": "web",
    "matplotlib": "plot",
    "numba": "histogrammer",
    "numpy": "player",
    "orjson": "player",
    "posix_ipc": "player",
    "prometheus_client": "web",
    "psutil": "player",
    "pydantic": "player",
    "pydantic_core": "player",
    "redis": "redis",
    "rich": "tui",
    "scipy": "fits",
    "serial": "instruments",
    "structlog": "player",
    "supervisor": "player",
    "sysv_ipc": "player",
    "textual": "tui",
    "tomli": "player",
    "tomlkit": "player",
    "uvicorn": "web",
    "uvloop": "web",
    "websockets": "web",
}
"""Name of a package, as it is imported -> the extra that brings it."""


def install_advice(module: str | None) -> str:
    """Return what has to be installed for a module that cannot be imported; empty: it is none of an
    extra."""
    package = (module or "").partition(".")[0]
    extra = EXTRAS.get(package)
    return f"{package} is not installed: pip install 'dealer-player[{extra}]'" if extra else ""
