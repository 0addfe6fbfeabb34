"""Apple News as described by its API guide: signatures, clocks, revision tokens, duplicates, documents.

Sources: developer.apple.com/documentation/applenewsapi ("Create an Article", "Update an Article", "Delete an Article",
"About the News Security Model"), …/applenewsformat (required properties of an article).
"""

from __future__ import annotations

import base64
import datetime as dt
import email
import email.policy
import hmac
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import MIMEPart
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from standins.endpoint import Call, Endpoint, Reply, json_reply

SKEW = 300  # seconds by which the two clocks may differ
_AUTHORIZATION = re.compile(r'HHMAC; key="([^"]*)"; signature="([^"]*)"; date="([^"]*)"')
_IDENTIFIER = re.compile(r"[A-Za-z0-9_@.:-]{1,64}")
_ROLES_WITH_TEXT = {"title", "body", "intro", "byline", "caption", "heading", "heading1", "heading2", "quote"}


@dataclass
class Article:
    id: str
    document: Mapping[str, Any]
    body: bytes  # the content of the part article.json
    metadata: Mapping[str, Any]
    created: float
    changes: int = 1

    @property
    def revision(self) -> str:
        return base64.b64encode(uuid.uuid5(uuid.UUID(self.id), str(self.changes)).bytes).decode()


@dataclass
class Refused(Exception):
    status: int
    code: str
    key_path: tuple[str | int, ...] = ()
    value: str | None = None
    message: str | None = None


@dataclass
class AppleNews:
    """A channel with its current `articles`; only the publisher can see those in `preview`."""

    channel_id: str = "63a75491-2c4d-3530-af91-819be8c3ace0"
    key_id: str = "1e3fc5ee-e9f8-4232-a6be-17bf40edad09"
    secret: str = base64.b64encode(b"what Apple and the publisher know").decode()
    clock: Callable[[], float] = time.time
    articles: dict[str, Article] = field(default_factory=dict)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    optimised: bool = False  # Apple's editors have modified the articles: updates change nothing
    changes: int = 0  # number of revisions created, of all articles
    page: int = 100  # articles in a page of a list at most

    def serve(self) -> Endpoint:
        return Endpoint(self.respond)

    def find(self, identifier: str) -> Article | None:
        """Return the article with an identifier. Raises AssertionError if there are two, which must never happen."""
        found = [one for one in self.articles.values() if one.document["identifier"] == identifier]
        assert len(found) <= 1, f"{len(found)} articles with the identifier {identifier}"
        return found[0] if found else None

    def respond(self, call: Call) -> Reply:
        try:
            self._authorize(call)
            return self._route(call)
        except Refused as refused:
            error = {"code": refused.code, "keyPath": list(refused.key_path)}
            error |= {"value": refused.value} if refused.value else {}
            error |= {"message": refused.message} if refused.message else {}
            return json_reply(refused.status, {"errors": [error]})

    def _authorize(self, call: Call) -> None:
        found = _AUTHORIZATION.fullmatch(call.headers.get("authorization", ""))
        if not found:
            raise Refused(401, "MISSING", ("authorization",))
        key, signature, date = found.groups()
        if key != self.key_id:
            raise Refused(401, "UNAUTHORIZED")
        moment = dt.datetime.strptime(date, "%Y-%m-%dT%H:%M:%S%z")
        if abs(moment.timestamp() - self.clock()) > SKEW:
            raise Refused(401, "DATE_NOT_RECENT")
        signed = f"{call.method}http://{call.headers['host']}{call.target}{date}".encode()
        signed += call.headers.get("content-type", "").encode() + call.body if call.method == "POST" else b""
        expected = base64.b64encode(hmac.digest(base64.b64decode(self.secret), signed, "sha256")).decode()
        if not hmac.compare_digest(expected, signature):
            raise Refused(401, "WRONG_SIGNATURE")

    def _route(self, call: Call) -> Reply:
        match call.method, call.path.strip("/").split("/"):
            case "GET", ["channels", id]:
                self._channel(id)
                return json_reply(200, {"data": {"id": id, "type": "channel", "name": "Doctor's Note"}})
            case "GET", ["channels", id, "articles"]:
                self._channel(id)
                return self._search(dict(parse_qsl(urlsplit(call.target).query)))
            case "POST", ["channels", id, "articles"]:
                self._channel(id)
                return self._create(call)
            case "GET", ["articles", id]:
                return self._answer(200, self._article(id))
            case "POST", ["articles", id]:
                return self._update(call, self._article(id))
            case "DELETE", ["articles", id]:
                del self.articles[self._article(id).id]
                self.changes += 1
                return Reply(204)
        raise Refused(404, "NOT_FOUND")

    def _channel(self, id: str) -> None:
        if id != self.channel_id:
            raise Refused(404, "NOT_FOUND", ("channelId",))

    def _article(self, id: str) -> Article:
        if id not in self.articles:
            raise Refused(404, "NOT_FOUND", ("articleId",))
        return self.articles[id]

    def _search(self, query: Mapping[str, str]) -> Reply:
        """List articles by their creation, some to a page; their documents are not included."""
        size, start = int(query.get("pageSize", "20")), int(query.get("pageToken", "0"))
        if not 1 <= size <= 100:
            raise Refused(400, "INVALID", ("pageSize",))
        since = dt.datetime.fromisoformat(query["fromDate"]).timestamp() if "fromDate" in query else 0.0
        found = sorted((one for one in self.articles.values() if one.created > since), key=lambda one: one.created)
        page = found[start : start + min(size, self.page)]
        meta = {"nextPageToken": str(start + len(page))} if start + len(page) < len(found) else {}
        return json_reply(200, {"data": [{"id": one.id, "type": "article"} for one in page], "meta": meta})

    def _create(self, call: Call) -> Reply:
        parts = _parts(call)
        metadata, (document, body) = _metadata(parts), _document(parts)
        self._no_duplicate(document)
        article = Article(str(uuid.uuid4()), document, body, metadata, self.clock())
        self.articles[article.id] = article
        self.changes += 1
        return self._answer(201, article)

    def _update(self, call: Call, article: Article) -> Reply:
        parts = _parts(call)
        metadata, (document, body) = _metadata(parts), _document(parts)
        if metadata.get("revision") != article.revision:
            raise Refused(409, "WRONG_REVISION", ("data", "revision"), metadata.get("revision"))
        self._no_duplicate(document, beside=article)
        if self.optimised:
            return self._answer(202, article)
        article.document, article.body, article.metadata = document, body, metadata
        article.changes += 1
        self.changes += 1
        return self._answer(200, article)

    def _no_duplicate(self, document: Mapping[str, Any], beside: Article | None = None) -> None:
        for other in self.articles.values():
            recent = self.clock() - other.created < 86_400
            if other is not beside and recent and set(_marks(other.document)) & set(_marks(document)):
                raise Refused(400, "DUPLICATE_ARTICLE_FOUND", value=other.id)

    def _answer(self, status: int, article: Article) -> Reply:
        data = {
            "id": article.id,
            "type": "article",
            "shareUrl": f"https://apple.news/A{article.id[:8]}",
            "revision": article.revision,
            "state": "PROCESSING" if article.changes == 1 else "PROCESSING_UPDATE",
            "document": article.document,
            "isPreview": article.metadata.get("isPreview", True),
            "warnings": self.warnings,
        }
        return json_reply(status, {"data": data, "meta": {"throttling": {"isThrottled": False}}})


def _marks(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the properties that no two articles of a day may share."""
    metadata = document.get("metadata") or {}
    yield "title", document["title"]
    yield from ((name, metadata[name]) for name in ("canonicalURL", "thumbnailURL") if metadata.get(name))


def _parts(call: Call) -> dict[str, MIMEPart]:
    content_type = call.headers.get("content-type", "")
    if not content_type.startswith("multipart/form-data; boundary="):
        raise Refused(415, "UNSUPPORTED_MEDIA_TYPE")
    message = email.message_from_bytes(
        b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + call.body, policy=email.policy.HTTP
    )
    if message.defects or not message.is_multipart():
        raise Refused(400, "INVALID_MIME_MULTIPART")
    parts: dict[str, MIMEPart] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if part.get_content_disposition() != "form-data" or not isinstance(name, str):
            raise Refused(400, "INVALID_MIME_MULTIPART")
        if name != "metadata" and part.get_filename() is None:
            raise Refused(400, "MIME_PART_MISSING_FILENAME", (name,))
        parts[part.get_filename() or name] = part
    return parts


def _metadata(parts: Mapping[str, MIMEPart]) -> Mapping[str, Any]:
    if "metadata" not in parts:
        return {}
    content = json.loads(parts["metadata"].get_payload(decode=True))  # type: ignore[arg-type]
    if "data" not in content:
        raise Refused(400, "INVALID_JSON")
    data: dict[str, Any] = content["data"]
    for name in ("isPreview", "isSponsored", "isCandidateToBeFeatured"):
        if not isinstance(data.get(name, False), bool):
            raise Refused(400, "INVALID_TYPE", ("data", name))
    if data.get("maturityRating") not in (None, "KIDS", "MATURE", "GENERAL"):
        raise Refused(400, "INVALID_TYPE", ("data", "maturityRating"))
    for position, section in enumerate(data.get("links", {}).get("sections", [])):
        if not re.fullmatch(r"https?://[^/]+/sections/[0-9a-fA-F-]{36}", section):
            raise Refused(400, "INVALID_RESOURCE_ID", ("data", "links", "sections", position))
    return data


def _document(parts: Mapping[str, MIMEPart]) -> tuple[Mapping[str, Any], bytes]:
    if "article.json" not in parts:
        raise Refused(400, "MISSING", ("article.json",))
    body = parts["article.json"].get_payload(decode=True)
    assert isinstance(body, bytes)
    try:
        document = json.loads(body)
    except ValueError:
        raise Refused(400, "INVALID_DOCUMENT", message="it is not JSON") from None
    problem = next(_problems(document), None)
    if problem:
        raise Refused(400, "INVALID_DOCUMENT", *problem)
    return document, body


def _problems(document: Any) -> Iterator[tuple[tuple[str | int, ...], None, str]]:
    """Yield the errors of a document, each with its key path and message, as in Apple's answers."""
    if not isinstance(document, dict):
        yield (), None, "it is no object"
        return
    for name in ("version", "identifier", "language", "title"):
        if not isinstance(document.get(name), str) or not document[name]:
            yield (name,), None, "missing"
            return
    if not _IDENTIFIER.fullmatch(document["identifier"]):
        yield ("identifier",), None, "at most 64 letters, digits and -_.:@"
    layout = document.get("layout")
    if not isinstance(layout, dict) or not all(isinstance(layout.get(one), int) for one in ("columns", "width")):
        yield ("layout",), None, "needs columns and width"
    if not document.get("components"):
        yield ("components",), None, "missing"
        return
    yield from _component_problems(document)


def _component_problems(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], None, str]]:
    for position, component in enumerate(document["components"]):
        role = component.get("role")
        if not isinstance(role, str):
            yield ("components", position, "role"), None, "missing"
        elif role in _ROLES_WITH_TEXT and not component.get("text"):
            yield ("components", position, "text"), None, "missing"
        for name, shelf in (
            ("textStyle", "componentTextStyles"),
            ("style", "componentStyles"),
            ("layout", "componentLayouts"),
        ):
            named = component.get(name)
            if isinstance(named, str) and named not in document.get(shelf, {}):
                yield ("components", position, name), None, f"{named} is not defined"
