"""ninjs 3.1 (IPTC, iptc.org/std/ninjs/ninjs-schema_3.1.json): what a newsroom's ingestion refuses an item for.

It is not IPTC's schema, which has some thousand lines: the tests validate by a restatement of that.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.judging.parts.json_object import JSON, Object, not_fit, not_texts, objects_in
from pipeline.judging.parts.judge import Judge, Rule
from pipeline.judging.parts.page import unfit
from pipeline.judging.parts.values import is_rfc3339, is_uri, quoted

_MEMBERS = frozenset({
    "uri", "type", "representationType", "profile", "version", "firstCreated", "versionCreated", "contentCreated",
    "embargoedUntil", "pubStatus", "urgency", "copyrightHolder", "copyrightNotice", "usageTerms", "edNote",
    "language", "descriptions", "bodies", "headlines", "people", "organisations", "places", "subjects", "events",
    "objects", "infoSources", "title", "by", "slugline", "located", "renditions", "associations", "altIds",
    "trustIndicators", "standard", "genres", "expires", "rightsInfo", "digitalSourceType", "eventDetails",
    "plannedCoverage",
})  # fmt: skip
_TYPES = ("text", "audio", "video", "picture", "graphic", "composite", "component", "event", "planning")
_STATES = ("usable", "withheld", "canceled")
_DATES = ("firstCreated", "versionCreated", "contentCreated", "embargoedUntil", "expires")
_LINKED = ("associations", "people", "organisations", "subjects", "infoSources")


def _uri(item: Object) -> Iterator[str]:
    if not is_uri(item.get("uri")):
        yield f"`uri` is no URI: {quoted(item.get('uri'))}"


def _members(item: Object) -> Iterator[str]:
    yield from (f"{quoted(name)} is no member of ninjs" for name in sorted(item.keys() - _MEMBERS))


def _states(item: Object) -> Iterator[str]:
    yield from not_fit(item, ("type",), lambda value: value in _TYPES, "no kind of item")
    yield from not_fit(item, ("pubStatus",), lambda value: value in _STATES, "neither usable, withheld nor canceled")
    yield from not_fit(item, ("version",), lambda value: isinstance(value, str), "no text")


def _dates(item: Object) -> Iterator[str]:
    yield from not_fit(item, _DATES, is_rfc3339, "no date of RFC 3339")


def _texts(item: Object) -> Iterator[str]:
    for name in ("headlines", "descriptions", "bodies"):
        for text in objects_in(item, name):
            yield from not_texts(text, "value", called=f"one of `{name}`")
    html = (one.get("value") for one in objects_in(item, "bodies") if one.get("contentType") == "text/html")
    yield from unfit(text for text in html if isinstance(text, str))


def _associations(item: Object) -> Iterator[str]:
    for one in objects_in(item, "associations"):
        yield from not_texts(one, "name", "uri", called="an association")


def _addresses(item: Object) -> Iterator[str]:
    for name in _LINKED:
        for one in objects_in(item, name):
            yield from not_fit(one, ("uri",), is_uri, f"no URI in `{name}`")
            for picture in objects_in(one, "renditions"):
                yield from not_fit(picture, ("href",), is_uri, "no URI")


JUDGE = Judge(
    "ninjs",
    JSON,
    (
        Rule("uri", "ninjs 3.1, uri", _uri),
        Rule("members", "ninjs 3.1, additionalProperties", _members),
        Rule("states", "ninjs 3.1, type, pubStatus, version", _states),
        Rule("dates", "ninjs 3.1, firstCreated and the other date-times", _dates),
        Rule("texts", "ninjs 3.1, headlines, descriptions, bodies", _texts),
        Rule("associations", "ninjs 3.1, associations", _associations),
        Rule("addresses", "ninjs 3.1, uri and href have the format uri", _addresses),
    ),
)
