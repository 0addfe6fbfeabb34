"""An HTTP request → events. CloudEvents 1.0, HTTP protocol binding: structured, binary and batched JSON.

`data` is an article file in one of the forms that intake reads; `datacontenttype` says which (JSON where it says
nothing). The article's id is `subject`, or what the file itself says. A withdrawal's data is `{"reason": "…"}`.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import unquote

import msgspec
from msgspec import Struct, structs

from pipeline.errors import InvalidEvent
from pipeline.intake import SourceFile, read_source_as
from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.intake.fields.slugs import article_id
from pipeline.model.article import Article
from pipeline.model.event import Event, Origin, Publish, Withdraw

PREFIX = "org.citewire.article."
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
MAX_BATCH = 1000


class _Envelope(Struct, frozen=True):
    """The context attributes that we use. Others, extensions among them, are let through unread."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str | None = None
    time: dt.datetime | None = None
    datacontenttype: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    data_base64: str | None = None


def read_events(headers: Mapping[str, str], body: bytes, *, drop: tuple[str, ...] = ()) -> list[Event]:
    """Raises InvalidEvent, naming the attribute or the article's field. A batch is taken whole or not at all."""
    media_type = _essence(headers.get("content-type", ""))
    if media_type == BATCH:
        envelopes = _decode(body, list[_Envelope])
        if len(envelopes) > MAX_BATCH:
            raise InvalidEvent(f"holds more than {MAX_BATCH} events", code="batch-too-large", hint="send several")
        return [_event(envelope, drop) for envelope in envelopes]
    if media_type == STRUCTURED or "ce-specversion" not in headers:
        return [_event(_decode(body, _Envelope), drop)]
    return [_binary(headers, media_type, body, drop)]


def _decode(body: bytes, type: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=type)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        field = path.strip("`").removeprefix("$").lstrip(".") or None
        raise InvalidEvent(message, field=field, hint="send a CloudEvent 1.0") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent(f"is not JSON: {error}", code="invalid-json", hint="send a CloudEvent as JSON") from error


def _binary(headers: Mapping[str, str], media_type: str, body: bytes, drop: tuple[str, ...]) -> Event:
    """Attributes stand in `ce-` headers, percent-encoded (HTTP protocol binding, section 3.1.3.2)."""
    attributes = {name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")}
    known = {name: value for name, value in attributes.items() if name not in ("data", "data_base64")}
    try:
        envelope = msgspec.convert(known, _Envelope, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidEvent(str(error), hint="send the ce- headers of a CloudEvent 1.0") from error
    return _build(envelope, media_type or "application/json", body, drop)


def _event(envelope: _Envelope, drop: tuple[str, ...]) -> Event:
    media_type = _essence(envelope.datacontenttype or "application/json")
    return _build(envelope, media_type, _data(envelope, media_type), drop)


def _data(envelope: _Envelope, media_type: str) -> bytes:
    if envelope.data_base64 is not None:
        try:
            return base64.b64decode(envelope.data_base64, validate=True)
        except binascii.Error as error:
            raise InvalidEvent("is not base64", field="data_base64", event=envelope.id) from error
    raw = bytes(envelope.data)
    if not raw or media_type == "application/json" or media_type.endswith("+json"):
        return raw
    text = msgspec.json.decode(raw)
    if not isinstance(text, str):
        raise InvalidEvent(f"must be a string for {media_type}", field="data", event=envelope.id)
    return text.encode()


def _build(envelope: _Envelope, media_type: str, data: bytes, drop: tuple[str, ...]) -> Event:
    for name in ("id", "source"):
        if not getattr(envelope, name).strip():
            raise InvalidEvent("is empty", field=name, hint="give the event an id and a source of its own")
    origin = Origin(source=envelope.source, id=envelope.id, time=_aware(envelope.time))
    match envelope.type.removeprefix(PREFIX):
        case "published" | "updated":
            return _publish(envelope, origin, media_type, data, drop)
        case "withdrawn":
            return _withdraw(envelope, origin, data)
        case _:
            message = f"{envelope.type!r} is not one of {PREFIX}published, .updated, .withdrawn"
            raise InvalidEvent(message, field="type", code="unknown-event-type", event=envelope.id)


def _publish(envelope: _Envelope, origin: Origin, media_type: str, data: bytes, drop: tuple[str, ...]) -> Publish:
    if not data:
        raise InvalidEvent("is missing", field="data", hint="send the article as the event's data", event=envelope.id)
    read = read_source_as(media_type, SourceFile(data, f"event {envelope.id}", drop))
    article = _named(read.article, envelope) if envelope.subject else read.article
    return Publish(origin, article, read.warnings)


def _named(article: Article, envelope: _Envelope) -> Article:
    """The article under the id that the event gives it: what an event is about is its `subject`."""
    try:
        return structs.replace(article, id=article_id(envelope.subject))
    except InvalidValue as error:
        raise InvalidEvent(error.message, field="subject", hint=error.hint, event=envelope.id) from error


class _Withdrawal(Struct, frozen=True):
    reason: str
    id: str | None = None
    article: str | None = None


def _withdraw(envelope: _Envelope, origin: Origin, data: bytes) -> Withdraw:
    try:
        said = msgspec.json.decode(data, type=_Withdrawal)
    except msgspec.DecodeError as error:
        hint = 'send {"reason": "…"} as the event\'s data'
        raise InvalidEvent(str(error), field="data", hint=hint, event=envelope.id) from error
    article = envelope.subject or said.article or said.id
    if not article:
        raise InvalidEvent("no article is named", field="subject", hint="name its id as subject", event=envelope.id)
    if not said.reason.strip():
        raise InvalidEvent("is empty", field="data.reason", hint="say why the article is withdrawn", event=envelope.id)
    return Withdraw(origin, article, said.reason.strip())


def _aware(time: dt.datetime | None) -> dt.datetime | None:
    """RFC 3339 wants an offset; one that is missing is taken for UTC."""
    if time is None:
        return None
    return time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time.astimezone(dt.UTC)


def _essence(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
