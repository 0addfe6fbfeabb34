"""`listen-stream`: take events from a Redis Stream."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import sys
import threading
from typing import Annotated

import redis
import structlog
import typer

from config.addresses import redis_url
from pipeline.errors import ConfigError, InvalidEvent, TransientError
from pipeline.secret import SecretRef
from workers import queue, streams
from workers.cli import output
from workers.cli.accepting import intake_of
from workers.cli.common import ConfigOption, DataOption, System, find, open_ledger
from workers.cli.delivering import warn_unless_delivering
from workers.telemetry import tracing_of

_BLOCK = 1.0  # seconds that a read waits for an entry
_PAUSE = (0.2, 0.5, 1.0, 2.0, 5.0)  # seconds before the next attempt, after failures in a row

_log = structlog.get_logger()


def register(app: typer.Typer) -> None:
    app.command(name="listen-stream")(listen_stream)


def listen_stream(
    stream: Annotated[str, typer.Argument(metavar="STREAM", help="The key of the stream.")],
    group: Annotated[str, typer.Option("--group", help="The consumer group; it is made if there is none.")],
    url: Annotated[
        str | None,
        typer.Option("--redis", metavar="URL", help="Its server: a URL, or env:NAME or file:/path with it."),
    ] = None,
    claim_after: Annotated[
        float, typer.Option(min=0.1, help="Seconds after which what another reader left pending is taken over.")
    ] = 60.0,
    retry_dead: Annotated[
        bool, typer.Option("--retry-dead", help="Put what was set aside into the stream once more, and end.")
    ] = False,
    drop_dead: Annotated[bool, typer.Option("--drop-dead", help="Delete what was set aside, and end.")] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Publish and withdraw as the CloudEvents of a Redis Stream say, until Ctrl-C. Any number may read one stream.

    An entry's field `event` holds the CloudEvent as JSON. It is acknowledged once the ledger has it.
    """
    system = find(data, config)
    server = _url(url, system)
    queue.check(server)
    client, source = streams.connect(server), streams.Source(stream, group)
    with open_ledger(system) as ledger, contextlib.closing(client):
        intake = intake_of(ledger, system)
        if retry_dead or drop_dead:
            if retry_dead and drop_dead:
                raise InvalidEvent("give one of --retry-dead and --drop-dead", code="nothing-named")
            try:
                count = streams.bury(client, source, intake, again=retry_dead)
            except redis.RedisError as error:
                raise _unreachable(error) from error
            output.line(f"{count} {'put into the stream once more' if retry_dead else 'deleted'}")
            return
        warn_unless_delivering(system)
        with contextlib.closing(tracing_of(system.settings)) as tracing:
            intake = dataclasses.replace(intake, tracing=tracing)
            drop = system.known.drop
            _listen(streams.Listener(client, source, intake, drop=drop, claim_after=claim_after))


def _listen(listener: streams.Listener) -> None:
    """Read until SIGTERM or Ctrl-C. What does not answer for a while, the server or the ledger, is waited for."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    prepared, failures = False, 0
    while not stop.is_set():
        try:
            if not prepared:
                listener.prepare()
                prepared = True
                print("listening", file=sys.stderr, flush=True)
            listener.step(block=_BLOCK)
            failures = 0
        except (redis.RedisError, TransientError) as error:
            prepared = False  # a server that has lost its data has lost the group
            if failures == 0:
                _log.warning("the stream waits", error=str(error))
            stop.wait(_PAUSE[min(failures, len(_PAUSE) - 1)])
            failures += 1
    with contextlib.suppress(redis.RedisError):
        listener.leave()


def _url(named: str | None, system: System) -> str:
    if named is None:
        if system.redis_url is None:
            hint = "give --redis, or set CITEWIRE_REDIS_URL"
            raise ConfigError("no server is named", key="--redis", hint=hint, code="invalid-redis-url")
        return system.redis_url
    url = named
    if named.startswith(("env:", "file:")):
        try:
            url = SecretRef.parse(named).resolve("--redis")
        except ValueError as error:
            raise _no_url() from error
    try:
        return redis_url(url)
    except ValueError as error:
        raise _no_url(str(error)) from error


def _no_url(what: str = "is not a Redis URL") -> ConfigError:
    hint = "name it as redis://HOST:PORT/0, or env:NAME or file:/path with that"
    return ConfigError(what, key="--redis", hint=hint, code="invalid-redis-url")


def _unreachable(error: redis.RedisError) -> TransientError:
    return TransientError(f"the stream's server did not answer: {error}", code="stream-unreachable")
