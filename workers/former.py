"""Find the ledgers that a restored one takes the place of: they know what happened after the backup."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from config.settings import Settings
from pipeline.errors import ConfigError
from pipeline.ledger import Ledger, backup, clock, processes
from pipeline.secret import SecretRef
from workers.opening import LEDGER

_LOOK = 0.5  # seconds
_OPTION = "--former"


@contextmanager
def former_ledgers(settings: Settings, named: str | None) -> Iterator[list[Ledger]]:
    """Open the ledger that the option names, and the one in the data folder that the restored one replaces.

    Raises ConfigError if the named one is still used, is of another release, or has no articles.
    """
    with ExitStack() as stack:
        found = []
        if named is not None:
            former = stack.enter_context(closing(_open(named)))
            _check(former)
            found.append(former)
        if settings.database_url is None and (settings.data / LEDGER).exists():
            here = stack.enter_context(closing(Ledger(settings.ledger_url)))
            here.migrate()
            if _has_articles(here):
                found.append(here)
        yield found


def _open(named: str) -> Ledger:
    """Open a ledger by its URL, or by a reference to it: the URL may contain a password."""
    is_reference = named.startswith(("env:", "file:"))
    return Ledger(_reference(named).resolve(_OPTION) if is_reference else named)


def _reference(text: str) -> SecretRef:
    try:
        return SecretRef.parse(text)
    except ValueError as error:
        hint = "name it by its URL, env:NAME or file:/path"
        raise ConfigError("is not a database URL", key=_OPTION, hint=hint, code="invalid-database-url") from error


def _check(former: Ledger) -> None:
    former.check_schema()
    _wait_until_unused(former)
    if not _has_articles(former):
        hint = "name the database that the system used before"
        raise ConfigError("has no articles", key=_OPTION, hint=hint, code="former-ledger-empty")


def _has_articles(ledger: Ledger) -> bool:
    with ledger.read() as transaction:
        return not backup.is_empty(transaction)


def _wait_until_unused(ledger: Ledger) -> None:
    """Return when no process has used the ledger for a while. Raises ConfigError if one gives a sign of life."""
    first = _seen(ledger)
    while now := _seen(ledger):
        if running := sorted(name for name, at in now.items() if at > first.get(name, at) or name not in first):
            hint = "stop all processes of the former system first"
            raise ConfigError(f"is still used by {running[0]}", key=_OPTION, hint=hint, code="data-in-use")
        time.sleep(_LOOK)


def _seen(ledger: Ledger) -> dict[str, dt.datetime]:
    own = dt.datetime.now(dt.UTC)
    now = clock.ledger_time(ledger, own, running=False)
    with ledger.read() as transaction:
        return {one.name: one.seen for one in processes.alive(transaction, now=now)}
