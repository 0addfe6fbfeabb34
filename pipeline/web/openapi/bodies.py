"""Request bodies that FastAPI does not read itself: CloudEvents and the hub's form."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from pipeline.intake import source_formats
from pipeline.intake.fields import KNOWN
from pipeline.views.partners import ChangePage
from pipeline.web.v1.cloudevents import BATCH, MAX_BATCH, STRUCTURED, CloudEvent, WithdrawalData

_REF = "#/components/schemas/{name}"
_EXAMPLE = {
    "specversion": "1.0",
    "id": "b5a1f6c2",
    "source": "https://cms.example.org",
    "type": "org.citewire.article.published",
    "subject": "baclofen-for-spasticity",
    "time": "2026-03-01T12:00:00Z",
    "datacontenttype": "application/json",
    "data": {
        "title": "Baclofen for spasticity",
        "body": "Baclofen relaxes muscles. [1]",
        "references": ["34187661"],
    },
}
_WITHDRAWAL = {
    "specversion": "1.0",
    "id": "b5a1f6c3",
    "source": "https://cms.example.org",
    "type": "org.citewire.article.withdrawn",
    "subject": "baclofen-for-spasticity",
    "data": {"reason": "The dose was wrong."},
}


@cache
def schemas() -> dict[str, Any]:
    """Return the schemas of the bodies by their names."""
    _, components = msgspec.json.schema_components([CloudEvent, WithdrawalData, ChangePage], ref_template=_REF)
    return components | {"ArticleData": _article()}


def cloud_event() -> dict[str, Any]:
    """Return the operation members that describe `POST /v1/events`: its body in every mode, and the `ce-` headers."""
    one = {"$ref": _REF.format(name="CloudEvent")}
    examples = {"published": {"value": _EXAMPLE}, "withdrawn": {"value": _WITHDRAWAL}}
    batch = {"type": "array", "items": one, "maxItems": MAX_BATCH, "minItems": 1}
    content: dict[str, Any] = {
        STRUCTURED: {"schema": one, "examples": examples},
        BATCH: {"schema": batch, "example": [_EXAMPLE, _WITHDRAWAL]},
    }
    for media_type in sorted(media for source in source_formats().values() for media in source.media_types):
        content[media_type] = {"schema": {"type": "string"}}
    content["application/json"] = {"schema": {"$ref": _REF.format(name="ArticleData")}, "example": _EXAMPLE["data"]}
    return {"requestBody": {"required": True, "content": content}, "parameters": _headers()}


def subscription() -> dict[str, Any]:
    """Return the operation member that describes the form of `POST /hub`."""
    properties: dict[str, Any] = {
        "hub.mode": {"type": "string", "enum": ["subscribe", "unsubscribe"]},
        "hub.topic": {"type": "string", "description": "The address of a feed served here."},
        "hub.callback": {"type": "string", "format": "uri", "maxLength": 2000},
        "hub.lease_seconds": {"type": "string", "pattern": "^[0-9]{0,18}$"},
        "hub.secret": {"type": "string", "maxLength": 199},
    }
    form = {"type": "object", "required": ["hub.mode", "hub.topic", "hub.callback"], "properties": properties}
    return {"requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": form}}}}


def _headers() -> list[dict[str, Any]]:
    """Return the headers of binary mode, which carry the event's attributes; the body is the article file itself."""
    names = ("specversion", "id", "source", "type", "subject", "time")
    description = "Binary mode: the event's attribute of this name, percent-encoded."
    return [
        {"name": f"ce-{name}", "in": "header", "description": description, "schema": {"type": "string"}}
        for name in names
    ]


def _article() -> dict[str, Any]:
    text = {"type": "string"}
    known: dict[str, Any] = {
        "id": text,
        "title": text,
        "question": text,
        "summary": text,
        "topics": {"type": "array", "items": {}},
        "references": {"type": "array", "items": {}, "description": "PMIDs, DOIs, addresses or whole citations."},
    }
    return {
        "title": "ArticleData",
        "type": "object",
        "description": "An article file in JSON; see the page on article files for every field.",
        "required": ["title", "body"],
        "properties": {name: known.get(name, {}) for name in KNOWN}
        | {
            "body": {"type": "string", "description": "Markdown or HTML."},
            "body_format": {"type": "string", "enum": ["markdown", "html"]},
        },
        "examples": [_EXAMPLE["data"]],
    }
