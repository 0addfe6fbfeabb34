"""`secret`: make a secret to sign webhooks with."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.channels.webhook.signing import new_private_key, new_secret, read_signer
from workers.cli import output


def register(app: typer.Typer) -> None:
    app.command()(secret)


def secret(
    ed25519: Annotated[
        bool, typer.Option("--ed25519", help="A private key for v1a signatures, which anyone can verify.")
    ] = False,
) -> None:
    """Print a new signing secret, alone on the last line. It is kept nowhere."""
    made = new_private_key() if ed25519 else new_secret()
    if public := read_signer(made).public:
        output.notes().print(
            f"the public key, for the partner: {public}", highlight=False, markup=False, soft_wrap=True
        )
    print(made)
