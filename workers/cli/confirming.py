"""Ask once, on a terminal, before many articles are published or withdrawn: neither is easily reversed."""

from __future__ import annotations

import sys

import typer

from pipeline.ledger import Ledger, articles
from workers.cli.common import now
from workers.cli.files import ArticleFiles
from workers.cli.reading import read_files

ASK_FROM = 21  # new articles


def confirm_many(ledger: Ledger, found: ArticleFiles, drop: tuple[str, ...]) -> None:
    """Ask for confirmation on a terminal if more than twenty articles are new. Raises typer.Abort if it is denied."""
    if len(found.files) < ASK_FROM or not _person():
        return
    ids = {one.read.article.id for one in read_files(found, drop, now()) if one.read}
    with ledger.read() as transaction:
        new = sum(articles.get(transaction, id) is None for id in ids)
    if new >= ASK_FROM:
        typer.confirm(f"{new} articles are new. Publish them all?", abort=True, err=True)


def confirm_withdrawal(count: int) -> None:
    """Ask for confirmation on a terminal. Raises typer.Abort if it is denied."""
    if _person():
        typer.confirm(f"Withdraw {count} article{'s' if count > 1 else ''} everywhere?", abort=True, err=True)


def confirm_action(action: str, count: int) -> None:
    """Ask for confirmation on a terminal. Raises typer.Abort if it is denied."""
    if _person():
        typer.confirm(f"{action} {count:,} article{'s' if count > 1 else ''}?", abort=True, err=True)


def _person() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
