"""Read the events of an HTTP request. CloudEvents 1.0, HTTP protocol binding: structured, binary and batched JSON.

`data` is an article file in a format that intake reads; `datacontenttype` says which (JSON by default). The article's
id is `subject`, or else the one in the file. A withdrawal's data is `{"reason": "…"}`.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import unquote

import msgspec
from msgspec import Meta, Struct, structs

from pipeline.errors import InvalidEvent
from pipeline.intake import SourceFile, read_source_as
from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.intake.fields.reasons import MAX_REASON, reason_of
from pipeline.intake.fields.slugs import article_id
from pipeline.model.article import Article
from pipeline.model.event import SOURCE, Event, Origin, Publish, Withdraw
from pipeline.web.v1.payload import NOT_JSON, decoded

PREFIX = "org.citewire.article."
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
MAX_BATCH = 1000
_HINT = "send a CloudEvent 1.0 as JSON"

# Attributes contain no control characters (CloudEvents 1.0, section 3.1).
_PLAIN = r"^(?![\s\S]*[\x00-\x1f\x7f-\x9f])"  # `$` would let a last newline through
MAX_ID, MAX_SOURCE, MAX_SUBJECT, MAX_SEQUENCE = 256, 512, 256, 64  # characters; the ledger's indexes hold no more
_Attribute = Annotated[str, Meta(pattern=_PLAIN, max_length=MAX_SUBJECT)]
_Id = Annotated[str, Meta(pattern=_PLAIN, max_length=MAX_ID, extra_json_schema={"minLength": 1})]
_Source = Annotated[str, Meta(pattern=_PLAIN, max_length=MAX_SOURCE, extra_json_schema={"minLength": 1})]
_Sequence = Annotated[str, Meta(pattern=_PLAIN, max_length=MAX_SEQUENCE)]
_DATA = {
    "description": "The article: its JSON, or its text in the format that `datacontenttype` names. Or a withdrawal.",
    "anyOf": [
        {"$ref": "#/components/schemas/ArticleData"},
        {"$ref": "#/components/schemas/WithdrawalData"},
        {"type": "string"},
    ],
}
_TYPES = {"enum": [f"{PREFIX}{word}" for word in ("published", "updated", "withdrawn")]}


class CloudEvent(Struct, frozen=True):
    """A CloudEvent 1.0 with the attributes that are used here. Others, extensions among them, are ignored."""

    specversion: Literal["1.0"]
    id: Annotated[_Id, Meta(description="Unique within `source`. The same event again is answered alike.")]
    source: Annotated[_Source, Meta(description="Who sends the event, as a URI reference.")]
    type: Annotated[str, Meta(extra_json_schema=_TYPES)]
    subject: Annotated[_Attribute | None, Meta(description="The article's id. Without it: the id in the data.")] = None
    time: Annotated[dt.datetime | None, Meta(description="When the event happened.")] = None
    sequence: Annotated[
        _Sequence | None, Meta(description="Its place among the source's events about the article.")
    ] = None
    takeover: Annotated[
        str | None, Meta(description='"true": the article may have come from another source until now.')
    ] = None
    datacontenttype: Annotated[str | None, Meta(description="The data's media type. Default: JSON.")] = None
    traceparent: Annotated[
        Any, Meta(description="The span in which it happened (W3C Trace Context). Ignored if it is not valid.")
    ] = None
    data: Annotated[msgspec.Raw, Meta(extra_json_schema=_DATA)] | msgspec.UnsetType = msgspec.UNSET
    data_base64: Annotated[str | None, Meta(description="The data in base64, in place of `data`.")] = None


def read_events(headers: Mapping[str, str], body: bytes, *, drop: tuple[str, ...] = ()) -> list[Event]:
    """Return the events of a request. Raises InvalidEvent, naming the attribute or the article's field."""
    if is_batch(headers):
        envelopes = decoded(body, list[CloudEvent], hint=_HINT)
        if len(envelopes) > MAX_BATCH:
            raise InvalidEvent(f"holds more than {MAX_BATCH} events", code="batch-too-large", hint="send several")
        return [_event(envelope, drop) for envelope in envelopes]
    media_type = _essence(headers.get("content-type", ""))
    if media_type == STRUCTURED or "ce-specversion" not in headers:
        return [_event(decoded(body, CloudEvent, hint=_HINT), drop)]
    return [_binary(headers, media_type, body, drop)]


def is_batch(headers: Mapping[str, str]) -> bool:
    return _essence(headers.get("content-type", "")) == BATCH


def _binary(headers: Mapping[str, str], media_type: str, body: bytes, drop: tuple[str, ...]) -> Event:
    """Return the event of a binary request: attributes in percent-encoded `ce-` headers (binding, section 3.1.3.2)."""
    attributes = {name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")}
    known = {name: value for name, value in attributes.items() if name not in ("data", "data_base64")}
    try:
        envelope = msgspec.convert(known, CloudEvent, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidEvent(str(error), hint="send the ce- headers of a CloudEvent 1.0") from error
    return event_of(envelope, media_type or "application/json", body, drop)


def _event(envelope: CloudEvent, drop: tuple[str, ...]) -> Event:
    media_type = _essence(envelope.datacontenttype or "application/json")
    return event_of(envelope, media_type, _data(envelope, media_type), drop)


def _data(envelope: CloudEvent, media_type: str) -> bytes:
    if envelope.data_base64 is not None:
        try:
            return base64.b64decode(envelope.data_base64, validate=True)
        except ValueError as error:  # binascii.Error, or characters outside ASCII
            raise InvalidEvent("is not base64", field="data_base64", event=envelope.id) from error
    raw = bytes(envelope.data) if isinstance(envelope.data, msgspec.Raw) else b""
    if not raw or media_type == "application/json" or media_type.endswith("+json"):
        return raw
    try:
        return msgspec.json.decode(raw, type=str).encode()
    except msgspec.DecodeError as error:
        raise InvalidEvent(f"must be a string for {media_type}", field="data", event=envelope.id) from error


def event_of(envelope: CloudEvent, media_type: str, data: bytes, drop: tuple[str, ...]) -> Event:
    """Return the event of an envelope and its data. Raises InvalidEvent."""
    for name in ("id", "source"):
        if not getattr(envelope, name).strip():
            raise InvalidEvent("is empty", field=name, hint="give the event an id and a source of its own")
    origin = Origin(
        source=envelope.source,
        id=envelope.id,
        time=_aware(envelope.time),
        sequence=envelope.sequence or None,
        traceparent=None if envelope.traceparent is None else str(envelope.traceparent),
    )
    match envelope.type.removeprefix(PREFIX):
        case "published" | "updated" as stated:
            return structs.replace(_publish(envelope, origin, media_type, data, drop), stated=stated)
        case "withdrawn":
            return _withdraw(envelope, origin, data)
        case _:
            message = f"{envelope.type!r} is not one of {PREFIX}published, .updated, .withdrawn"
            raise InvalidEvent(message, field="type", code="unknown-event-type", event=envelope.id)


def _publish(envelope: CloudEvent, origin: Origin, media_type: str, data: bytes, drop: tuple[str, ...]) -> Publish:
    if not data:
        raise InvalidEvent("is missing", field="data", hint="send the article as the event's data", event=envelope.id)
    read = read_source_as(media_type, SourceFile(data, f"event {envelope.id}", drop))
    article = _named(read.article, envelope) if envelope.subject else read.article
    return Publish(
        origin,
        article,
        read.warnings,
        place=SOURCE + envelope.source,
        id_from="id" if envelope.subject else read.id_from,
        former_id=read.title_id,
        take_over=envelope.takeover == "true",
    )


def _named(article: Article, envelope: CloudEvent) -> Article:
    """Return the article under the id that the event names as its `subject`."""
    try:
        return structs.replace(article, id=article_id(envelope.subject))
    except InvalidValue as error:
        raise InvalidEvent(error.message, field="subject", hint=error.hint, event=envelope.id) from error


class WithdrawalData(Struct, frozen=True):
    """The data of a withdrawal."""

    reason: Annotated[
        str, Meta(pattern=r"^[^\x00]*$", max_length=MAX_REASON, description="Why, for everyone downstream to read.")
    ]
    id: _Attribute | None = None
    article: _Attribute | None = None


def _withdraw(envelope: CloudEvent, origin: Origin, data: bytes) -> Withdraw:
    try:
        withdrawal = msgspec.json.decode(data, type=WithdrawalData)
    except NOT_JSON as error:
        hint = 'send {"reason": "…"} as the event\'s data'
        raise InvalidEvent(str(error), field="data", hint=hint, event=envelope.id) from error
    article = envelope.subject or withdrawal.article or withdrawal.id
    if not article:
        raise InvalidEvent("no article is named", field="subject", hint="name its id as subject", event=envelope.id)
    return Withdraw(origin, article, reason_of(withdrawal.reason, field="data.reason"))


def _aware(time: dt.datetime | None) -> dt.datetime | None:
    """Return the time in UTC. RFC 3339 requires an offset; without one it is taken to be UTC."""
    if time is None:
        return None
    try:
        return time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time.astimezone(dt.UTC)
    except OverflowError as error:
        raise InvalidEvent("is out of range", field="time", hint="send the time of the event") from error


def _essence(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
