"""`check`: whether the configuration stands and every channel can be reached, without sending an article."""

from __future__ import annotations

from json import loads
from typing import Any

import typer

from pipeline.errors import CitewireError
from pipeline.ledger import deliveries, feeds
from pipeline.stages.context import ChannelPlan
from workers.cli import output
from workers.cli.common import BAD_INPUT, ConfigOption, DataOption, JsonOption, find, print_json
from workers.doorbell import NoDoorbell


def register(app: typer.Typer) -> None:
    app.command()(check)


def check(json: JsonOption = False, data: DataOption = None, config: ConfigOption = None) -> None:
    """Check the configuration and reach every channel."""
    from workers.wiring import build_context

    context = build_context(find(data, config).settings, NoDoorbell())
    found = [_reach(plan) for plan in context.channels.values()]
    with context.ledger.read() as transaction:
        elsewhere = deliveries.owed_elsewhere(transaction, list(context.channels))
        findings = {id: loads(said) for id, said in feeds.findings(transaction).items() if id in context.feeds}
    context.ledger.close()
    if json:
        print_json(
            {"ok": all(one["ok"] for one in found), "channels": found, "not_configured": elsewhere, "feeds": findings}
        )
    else:
        for channel, count in elsewhere.items():
            line = f"{channel}  configured no more, and owed {count}: see `citewire channels forget`"
            output.answers.print(line, highlight=False, markup=False)
        for feed, broken in findings.items():
            for finding in broken:
                line = f"{feed}  {finding['rule']}  {finding.get('article', 'the feed')}: {finding['detail']}"
                output.answers.print(line, highlight=False, markup=False)
        for one in found:
            word = "ok" if one["ok"] else "FAILED"
            output.answers.print(f"{one['channel']}  {word}  {one['detail']}", highlight=False, markup=False)
        output.answers.print("the configuration stands", highlight=False)
    if not all(one["ok"] for one in found):
        raise typer.Exit(BAD_INPUT)


def _reach(plan: ChannelPlan) -> dict[str, Any]:
    try:
        channel = plan.open()
        try:
            return {"channel": plan.id, "ok": True, "detail": channel.check()}
        finally:
            channel.close()
    except CitewireError as error:
        return {"channel": plan.id, "ok": False, "detail": str(error), "code": error.code}
