"""Events from a Redis Stream, read by a consumer group.

    take over what consumers that have died left unacknowledged → read what is new → accept → acknowledge

An entry is acknowledged after the ledger's commit. A process that is killed in between leaves it pending: another takes
it over, and the ledger answers the same event as before. An entry that can never be accepted goes to the dead stream.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import Any, cast

import redis
from msgspec import Struct

from pipeline.errors import InvalidEvent
from pipeline.ledger import operations, streams
from pipeline.ledger.operations import Operation, Part
from pipeline.model.event import Event
from pipeline.stages.accept import Intake, accept_all
from pipeline.web.v1.cloudevents import STRUCTURED, read_events
from workers import queue

FIELD = b"event"  # of an entry: a CloudEvent as JSON
MOST_TRIES = 5  # deliveries of an entry that nobody acknowledged: its readers have died of it
TOGETHER = 100  # entries accepted in one transaction
_DEAD = ":dead:"

Entry = tuple[bytes, dict[bytes, bytes]]  # without fields: it was deleted while it was pending


class Source(Struct, frozen=True):
    """A stream, and the group that reads it."""

    stream: str
    group: str

    @property
    def dead(self) -> str:
        """The stream of what this group has set aside."""
        return f"{self.stream}{_DEAD}{self.group}"

    @property
    def by(self) -> str:
        return f"citewire listen-stream {self.stream}"


def connect(url: str) -> redis.Redis:
    """Return a client that waits longer than a read blocks. Entries are bytes, whatever a producer wrote."""
    return queue.connect(url, as_text=False, timeout=10)


def own_name() -> str:
    """Return the name of this process as a consumer."""
    return f"{socket.gethostname()}-{os.getpid()}"


class Listener:
    """Reads one stream for one group."""

    def __init__(
        self, client: redis.Redis, source: Source, intake: Intake, *, drop: tuple[str, ...], claim_after: float
    ) -> None:
        self._client, self._source, self._intake, self._drop = client, source, intake, drop
        self._claim_after = round(claim_after * 1000)
        self._name = own_name()

    def prepare(self) -> None:
        """Make the group if there is none. A new one begins with the first entry of the stream."""
        try:
            self._client.xgroup_create(self._source.stream, self._source.group, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def step(self, *, block: float) -> int:
        """Accept what there is, and wait up to `block` seconds for something if there is nothing; return how much.

        Raises redis.RedisError and TransientError; what was not accepted by then stays pending, and is read again.
        """
        entries = self._left() or self._abandoned() or self._new(block)
        self._take(entries)
        return len(entries)

    def leave(self) -> None:
        """Remove this consumer from the group, if nothing is pending for it."""
        if not self._left():
            self._client.xgroup_delconsumer(self._source.stream, self._source.group, self._name)

    def _left(self) -> list[Entry]:
        """Return what this process has read, and could not accept."""
        return self._read("0", None)

    def _new(self, block: float) -> list[Entry]:
        return self._read(">", round(block * 1000))

    def _read(self, after: str, block: int | None) -> list[Entry]:
        named: Any = {self._source.stream: after}
        answer = cast(
            "list[tuple[bytes, list[Entry]]]",
            self._client.xreadgroup(self._source.group, self._name, named, count=TOGETHER, block=block) or [],
        )
        rows = answer.items() if isinstance(answer, dict) else answer
        return [entry for _, found in rows for entry in _flat(found)]

    def _abandoned(self) -> list[Entry]:
        """Take over what consumers have not acknowledged for so long that they must have died."""
        source = self._source
        answer: Any = self._client.xautoclaim(
            source.stream, source.group, self._name, self._claim_after, start_id="0-0", count=TOGETHER
        )
        entries: list[Entry] = _flat(answer[1])
        return [entry for entry in entries if not self._has_killed(entry)]

    def _has_killed(self, entry: Entry) -> bool:
        """Set aside an entry whose readers have died several times."""
        id, fields = entry
        if not fields:
            return False
        found: Any = self._client.xpending_range(self._source.stream, self._source.group, id, id, 1)
        if not found or found[0]["times_delivered"] <= MOST_TRIES:
            return False
        hint = "look at the log of the processes that read it"
        message = f"was read {MOST_TRIES} times, and acknowledged by none of its readers"
        self._set_aside(id, fields, InvalidEvent(message, code="stream-entry-fatal", hint=hint))
        return True

    def _take(self, entries: Sequence[Entry]) -> None:
        """Accept the entries together, or one after the other if one is refused."""
        read = [(id, fields, event) for id, fields in entries if (event := self._event(id, fields)) is not None]
        if not read:
            return
        try:
            self._accept([event for *_, event in read])
        except InvalidEvent:
            for id, fields, event in read:
                try:
                    self._accept([event])
                except InvalidEvent as error:
                    self._set_aside(id, fields, error)
                else:
                    self._acknowledge(id)
        else:
            self._acknowledge(*(id for id, *_ in read))

    def _event(self, id: bytes, fields: dict[bytes, bytes]) -> Event | None:
        """Return the event of an entry. One that has none is set aside; one that was deleted is acknowledged."""
        if not fields:
            self._acknowledge(id)
            return None
        try:
            if FIELD not in fields:
                hint = "add the CloudEvent as JSON: XADD STREAM * event '{…}'"
                raise InvalidEvent("is missing", field="event", code="stream-entry-empty", hint=hint)
            (event,) = read_events({"content-type": STRUCTURED}, fields[FIELD], drop=self._drop)
        except InvalidEvent as error:
            self._set_aside(id, fields, error)
            return None
        return event

    def _accept(self, events: Sequence[Event]) -> None:
        intake = self._intake
        operation = Operation(intake.new_id("op_"), "event", self._source.by, intake.clock())
        accept_all(intake, events, operation)

    def _acknowledge(self, *ids: bytes) -> None:
        self._client.xack(self._source.stream, self._source.group, *ids)

    def _set_aside(self, id: bytes, fields: dict[bytes, bytes], error: InvalidEvent) -> None:
        """Move an entry to the dead stream, after the ledger says so: a process killed in between does it again."""
        source, now = self._source, self._intake.clock()
        operation = Operation(self._intake.new_id("op_"), "event", source.by, now)
        part = Part(None, None, None, "refused", file=f"{source.stream}/{id.decode()}", reason=str(error))
        with self._intake.ledger.write() as transaction:
            operations.record(transaction, operation, [part])
            streams.keep(transaction, source.stream, source.group, dead=self._dead() + 1, error=str(error), now=now)
        why = {b"error": str(error).encode(), b"code": error.code.encode(), b"entry": id}
        pipe = self._client.pipeline(transaction=True)
        pipe.xadd(source.dead, cast("Any", fields | why))
        pipe.xack(source.stream, source.group, id)
        pipe.execute()

    def _dead(self) -> int:
        return self._client.xlen(self._source.dead)


def dead_entries(client: redis.Redis, source: Source) -> list[Entry]:
    return _flat(cast("Any", client.xrange(source.dead)))


def bury(client: redis.Redis, source: Source, intake: Intake, *, again: bool) -> int:
    """Put all that was set aside into the stream once more, or delete it; return how many entries."""
    entries = dead_entries(client, source)
    added = (b"error", b"code", b"entry")
    for id, fields in entries:
        pipe = client.pipeline(transaction=True)
        kept = {name: value for name, value in fields.items() if name not in added}
        if again and kept:
            pipe.xadd(source.stream, cast("Any", kept))
        pipe.xdel(source.dead, id)
        pipe.execute()
    now, dead = intake.clock(), client.xlen(source.dead)  # a reader may set more aside meanwhile
    with intake.ledger.write() as transaction:
        streams.keep(transaction, source.stream, source.group, dead=dead, now=now)
        part = Part(None, None, None, "returned" if again else "left-out", file=source.dead, reason=f"{len(entries)}")
        operations.record(transaction, Operation(intake.new_id("op_"), "event", source.by, now), [part])
    return len(entries)


def _flat(entries: Any) -> list[Entry]:
    """Return entries as pairs, whether the client of this protocol version nests them once more or not."""
    flat: list[Any] = []
    for one in entries:
        flat += one if one and isinstance(one[0], list | tuple) else [one]
    return [(id, fields) for id, fields in flat]
