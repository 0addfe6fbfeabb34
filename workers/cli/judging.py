"""`--judge` of `render` and `show`: what the judge of a format says, in place of the rendition."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.errors import InvalidEvent
from pipeline.model.rendition import Format, Rendition
from workers.cli import FAILED, output
from workers.cli.common import log_to_stderr, print_json

JudgeOption = Annotated[
    bool, typer.Option("--judge", help="Print what the format's judge says of it, and exit with 1 if a rule is broken.")
]
JudgedAsJson = Annotated[bool, typer.Option("--json", help="With --judge: print one JSON document.")]


def check_options(*, judge: bool, json: bool) -> None:
    """Raise InvalidEvent if a rendition is asked for as a JSON document, which only its verdict can be."""
    if json and not judge:
        raise InvalidEvent("a rendition has its own form", field="--json", hint="give --json with --judge, or neither")


def print_verdict(article: str, revision: int | None, format: Format, body: bytes, *, json: bool) -> None:
    """Print the verdict, and raise typer.Exit if a rule is broken."""
    from pipeline.views.judged import judged

    log_to_stderr()
    verdict = judged(article, revision, Rendition(format.name, format.media_type, body))
    if json:
        print_json(verdict)
    else:
        output.line(f"{article}  {format.name}  {verdict.summary}")
        for broken in verdict.broken:
            output.line(f"  broken   {broken.rule}: {broken.detail}")
        names = {broken.rule for broken in verdict.broken}
        for checked in verdict.checked:
            if checked.rule not in names:
                output.line(f"  kept     {checked.rule} ({checked.source})")
    if verdict.broken:
        raise typer.Exit(FAILED)
