"""`token`: who may call the API."""

from __future__ import annotations

import re
import secrets
from typing import Annotated

import typer

from pipeline.errors import InvalidEvent
from pipeline.ledger import tokens
from workers.cli.common import ConfigOption, DataOption, find, now, open_ledger

_SCOPE = re.compile(r"publish|admin|partner:[a-z0-9][a-z0-9._-]*")


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Tokens for the API.", no_args_is_help=True)
    group.command()(create)
    group.callback()(_group)
    app.add_typer(group, name="token")


def _group() -> None:
    """Tokens for the API."""


def create(
    name: Annotated[str, typer.Option(help="Whose it is, for you to know it by.")],
    scope: Annotated[str, typer.Option(help="publish, partner:ID or admin.")],
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Print a new token, once, alone on the last line. Only its hash is kept."""
    if not _SCOPE.fullmatch(scope):
        raise InvalidEvent("is not a scope", field="scope", mend="give publish, admin, or partner: and a channel's id")
    token = f"cw_{secrets.token_urlsafe(32)}"
    with open_ledger(find(data, config)) as ledger, ledger.write() as transaction:
        tokens.add(transaction, token, name=name, scope=scope, now=now())
    print(token)
