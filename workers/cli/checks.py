"""`check`: verify the configuration and that every channel can be reached, without sending an article."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from json import loads
from typing import Annotated, Any

import typer
from msgspec import to_builtins

from config.settings import Settings
from pipeline.errors import CitewireError, ConfigError
from pipeline.ledger import Ledger, deliveries, feeds, places
from pipeline.ledger.connections import Connections, connections
from pipeline.stages.context import ChannelPlan
from workers.cli import BAD_INPUT, output
from workers.cli.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    System,
    existing_ledger,
    find,
    ledger_now,
    print_json,
)


def register(app: typer.Typer) -> None:
    app.command()(check)


AcceptOption = Annotated[
    bool,
    typer.Option("--accept-places", help="Take the store and the folders that this host sees for the whole site's."),
]


def check(
    json: JsonOption = False, accept: AcceptOption = False, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Check the configuration, reach every channel, and prove that hosts share store and folders."""
    from workers.cores import pipeline_processes
    from workers.site import feeds_of
    from workers.wiring import (
        check_plugins,
        check_services,
        keep_signing_secrets_apart,
        named_file,
        plan_of,
        public_http,
    )

    system = find(data, config)
    check_plugins()
    http = public_http(system.settings)
    with named_file(system.settings):
        feed_ids = {feed.id for feed in feeds_of(system.settings)}
        plans = [plan_of(channel, http) for channel in system.settings.channels]
        check_services(system.settings, http)
    with _ledger_of(system) as ledger:
        elsewhere, findings = _known_to_ledger(ledger, [plan.id for plan in plans], feed_ids)
        found = [_reach(plan) for plan in (_signing(ledger, plans, system.settings) if ledger else plans)]
        shared, opened = _shared(ledger, system, plans, accept), _connections(ledger, system)
    queue = _queue(system)
    channels_ok = all(one["ok"] for one in found)
    if channels_ok:
        with named_file(system.settings):
            keep_signing_secrets_apart(system.settings)
    processes = pipeline_processes(system.settings.workers)
    ok = channels_ok and all(one["ok"] for one in shared) and (queue is None or queue["ok"])
    if json:
        print_json(
            {"ok": ok, "channels": found, "not_configured": elsewhere}
            | {"feeds": findings, "shared": shared, "connections": None if opened is None else to_builtins(opened)}
            | {"queue": queue, "pipeline_processes": processes}
        )
    else:
        for line in _lines(elsewhere, findings, [*found, *shared], opened):
            output.answers().print(line, highlight=False, markup=False)
        if queue is not None:
            line = f"queue  {'ok' if queue['ok'] else 'FAILED'}  {queue['detail']}"
            output.answers().print(line, highlight=False, markup=False, soft_wrap=True)
        if system.settings.workers.pipeline_processes is None:
            output.answers().print(f"workers  {_started(processes)}", highlight=False, markup=False)
    if not ok:
        raise typer.Exit(BAD_INPUT)
    if not json:
        output.answers().print("configuration OK", highlight=False)


def _lines(
    elsewhere: dict[str, int], findings: dict[str, Any], checked: Sequence[dict[str, Any]], opened: Connections | None
) -> Iterator[str]:
    """Yield the report for people, one finding in a line."""
    for channel, count in elsewhere.items():
        yield f"{channel}  no longer configured, with {count} unfinished deliveries: see `citewire channels forget`"
    for feed, broken in findings.items():
        for one in broken:
            yield f"{feed}  {one['rule']}  {one.get('article', 'the feed')}: {one['detail']}"
    for one in checked:
        yield f"{one.get('channel') or one['place']}  {'ok' if one['ok'] else 'FAILED'}  {one['detail']}"
    if opened is not None:
        yield f"ledger  {_in_words(opened)}"


@contextmanager
def _ledger_of(system: System) -> Iterator[Ledger | None]:
    """Open the ledger as it is; yield None if there is none."""
    with ExitStack() as stack:
        try:
            ledger = stack.enter_context(existing_ledger(system))
        except ConfigError as error:
            if error.code != "ledger-missing":
                raise
            ledger = None
        yield ledger


def _known_to_ledger(
    ledger: Ledger | None, channels: list[str], feed_ids: set[str]
) -> tuple[dict[str, int], dict[str, Any]]:
    """Return the deliveries to channels that left the settings, and what is wrong with feeds."""
    if ledger is None:
        return {}, {}
    with ledger.read() as transaction:
        findings = {id: loads(encoded) for id, encoded in feeds.findings(transaction).items() if id in feed_ids}
        return deliveries.outstanding_elsewhere(transaction, channels), findings


def _shared(ledger: Ledger | None, system: System, plans: Sequence[ChannelPlan], accept: bool) -> list[dict[str, Any]]:
    """Prove that all hosts see the same store and folders. Empty without a ledger, or where there is only one host."""
    from workers.sharing import prove

    if ledger is None:
        return []
    found = prove(ledger, system.settings, {plan.id: plan for plan in plans}, "accept" if accept else "look")
    return [
        {"place": one.location, "ok": one.error is None, "detail": str(one.error or one.detail)}
        | ({} if one.error is None else {"code": one.error.code})
        for one in found
    ]


def _connections(ledger: Ledger | None, system: System) -> Connections | None:
    if ledger is None:
        return None
    at = ledger_now(ledger, system)
    with ledger.read() as transaction:
        return connections(transaction, now=at)


def _queue(system: System) -> dict[str, Any] | None:
    """Reach the queue, if a setting names it or a running system has one of its own."""
    if system.redis_url is None:
        return None
    from workers.reaching import reach

    try:
        found = reach(system.redis_url)
    except CitewireError as error:
        return {"ok": False, "detail": str(error), "code": error.code}
    return {"ok": True, "detail": str(found), **to_builtins(found)}


def _started(processes: int) -> str:
    from workers.cores import MOST, usable

    plural = "process" if processes == 1 else "processes"
    return f"`citewire up` starts {processes} pipeline {plural}, for {usable()} usable cores and at most {MOST}"


def _in_words(opened: Connections) -> str:
    through = ", through a pooler" if opened.pooled else ""
    limit = "" if opened.fits else ": raise max_connections, or put a pooler before it"
    return (
        f"{opened.processes} processes, up to {opened.each} connections each{through}; "
        f"PostgreSQL allows {opened.server}{limit}"
    )


def _signing(ledger: Ledger, plans: Sequence[ChannelPlan], settings: Settings) -> Iterator[ChannelPlan]:
    """Return the plans, which sign with what partners have made."""
    from workers.wiring import signing_with

    with ledger.read() as transaction:
        known = {place.key: place for place in places.every(transaction, states=places.IN_FORCE)}
    return (signing_with(known.get(plan.id), plan, settings) for plan in plans)


def _reach(plan: ChannelPlan) -> dict[str, Any]:
    try:
        channel = plan.open()
        try:
            return {"channel": plan.id, "ok": True, "detail": channel.check()}
        finally:
            channel.close()
    except CitewireError as error:
        return {"channel": plan.id, "ok": False, "detail": str(error), "code": error.code}
