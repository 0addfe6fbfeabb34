"""Which modules may open a connection. All others use them, so that the guard checks every connection."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "pipeline"

# What can open a connection by itself, and the modules that may import it; each of them asks the guard.
MAY = {
    "requests": ("http",),
    "urllib3": ("http",),
    "http.client": ("http",),
    "urllib.request": (),
    "socket": ("http", "channels/email/smtp"),
    "ssl": ("http", "channels/email/smtp"),
    "smtplib": ("channels/email/smtp",),
    "asyncio": ("web",),  # serves, and makes no calls
    "httpx": (),
    "ftplib": (),
    "telnetlib": (),
    "xmlrpc.client": (),
    "paramiko": ("channels/sftp",),
    "obstore": ("store", "channels/object"),
}


def imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def opens(name: str) -> str | None:
    """Which of the packages in `MAY` an import is of."""
    return next((package for package in MAY if name == package or name.startswith(f"{package}.")), None)


def test_only_the_way_out_opens_connections() -> None:
    """Who is named here must go by way of pipeline.http."""
    refused = [
        (str(module.relative_to(ROOT)), package)
        for module in sorted(ROOT.rglob("*.py"))
        for package in {opens(name) for name in imported(module)} - {None}
        if package and not str(module.relative_to(ROOT)).startswith(MAY[package] or ("-",))
    ]
    assert refused == []


def test_there_is_something_to_look_at() -> None:
    assert "urllib3" in set(imported(ROOT / "http/connection.py"))
    assert opens("http.client.HTTPException") == "http.client"
    assert opens("http.HTTPStatus") is None


@pytest.mark.parametrize("module", ["channels/sftp/connection.py", "channels/email/smtp.py"])
def test_who_speaks_another_protocol_connects_by_the_guard(module: str) -> None:
    """A library that is given a host's name would resolve it for itself."""
    assert "guard.connect(" in (ROOT / module).read_text(encoding="utf-8")
