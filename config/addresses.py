"""Where a system's database, queue and store are: the check of their addresses, and the defaults in the data folder."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from config.queue_address import queue_address

_DATABASES = ("sqlite", "postgresql", "postgres", "postgresql+psycopg")
_STORES = ("s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss", "file")


def database_url(value: str) -> str:
    """Return a database's URL. Raises ValueError, as the others do, in words that follow the setting's name."""
    value = _scheme_of(value, _DATABASES, "a database URL")
    if value.startswith("sqlite") and not value.partition("://")[2].strip("/"):
        raise ValueError("names no file: write sqlite:////folder/ledger.sqlite")
    return value


def redis_url(value: str) -> str:
    queue_address(value)
    return value


def store_url(value: str) -> str:
    return _scheme_of(value, _STORES, "a store's URL") if "://" in value else value


def ledger_at(data: Path, database: str | None) -> str:
    """Return the URL of the ledger, which is a file in the data folder unless a database is named."""
    return database or f"sqlite:///{data.absolute() / 'ledger.sqlite'}"


def store_at(data: Path, store: str | None) -> str | Path:
    """Return where renditions are stored: in the data folder, unless another place is named."""
    return store or data.absolute() / "renditions"


def _scheme_of(value: str, known: tuple[str, ...], what: str) -> str:
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018  raises for a port that is not a number
    except ValueError:
        raise ValueError(f"is not {what}") from None
    if parts.scheme not in known:
        raise ValueError(f"is not {what}: it must begin with {', '.join(f'{one}://' for one in known[:3])} …")
    return value
