"""The `apple-news` channel: creates, updates and deletes articles in Apple News, without duplicates.

Apple assigns an article an id, and with every change a revision token that the next change has to include. Together
they form the remote id, which is stored in the ledger as soon as Apple has answered. If an answer is lost (connection
cut, process killed), the id of the new article is unknown, but Apple reveals it by refusing the next attempt.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import msgspec
from pydantic import field_validator

from pipeline.channels import ChannelType
from pipeline.channels.apple_news.api import Answer, AppleNewsApi, Part, signing_secret
from pipeline.channels.shared import not_found
from pipeline.channels.shared.deadline import Deadline
from pipeline.channels.shared.settings import ChannelSettings, TotalTimeout
from pipeline.errors import PermanentError, TransientError
from pipeline.http import Http
from pipeline.model.delivery import Difference, Parcel, Receipt
from pipeline.model.moment import rfc3339
from pipeline.secret import SecretRef
from pipeline.validation import form
from pipeline.web_address import web_address

_STEPS = 6  # changing requests per delivery; needing more means that someone else is changing the article
_DETAIL = 500  # characters
_PAGES = 1000  # of a hundred articles
_ARTICLE = re.compile(r"[a-z0-9][a-z0-9-]{0,119}")  # our ids; others may write to the same account
_GONE = (404, 410)

Uuid = Annotated[
    str, form(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", "is not an id of Apple News (a UUID)")
]


class AppleNewsSettings(ChannelSettings):
    """`sections`: ids. None leaves the choice to Apple (the default section); an empty list means no section."""

    channel_id: Uuid
    key_id: SecretRef
    secret: SecretRef
    url: str = "https://news-api.apple.com"
    sections: tuple[Uuid, ...] | None = None
    is_preview: bool = False
    is_sponsored: bool = False
    is_candidate_to_be_featured: bool = False
    maturity_rating: Literal["KIDS", "MATURE", "GENERAL"] | None = None
    territories: tuple[Annotated[str, form(r"[A-Z]{2}", "must be the two letters of a country like US")], ...] = ()
    total_timeout: TotalTimeout = 30.0

    @field_validator("url")
    @classmethod
    def _absolute(cls, url: str) -> str:
        if web_address(url).query:
            raise ValueError("must not contain a query")
        return url.rstrip("/")


@dataclass(frozen=True)
class _Remote:
    """The remote id, stored as `id@revision`."""

    id: str
    revision: str | None  # None: not known yet

    @classmethod
    def parse(cls, text: str | None) -> _Remote | None:
        id, _, revision = not_found.without_mark(text).partition("@")
        return cls(id, revision or None) if id else None

    def __str__(self) -> str:
        return f"{self.id}@{self.revision}" if self.revision else self.id


@dataclass(frozen=True)
class _Attempt:
    """One delivery: when it began, and its deadline."""

    at: dt.datetime
    deadline: Deadline


class AppleNews:
    def __init__(self, settings: AppleNewsSettings, http: Http) -> None:
        self._settings = settings
        secret = signing_secret(settings.secret.resolve("secret"))
        self._api = AppleNewsApi(http, settings.url, settings.key_id.resolve("key_id"), secret)

    def deliver(self, parcel: Parcel) -> Receipt:
        attempt = self._attempt(parcel.at)
        remote = _Remote.parse(parcel.remote_id)
        if parcel.event == "withdrawn":
            return self._withdraw(parcel, remote, attempt)
        return self._publish(parcel, remote, attempt)

    def shows(self, parcel: Parcel) -> str | None:
        remote = _Remote.parse(parcel.remote_id)
        if remote is None:
            return None
        attempt = self._attempt(parcel.at)
        answer = self._call("GET", f"/articles/{remote.id}", attempt)
        if answer.response.status in _GONE:
            return None
        answer.refuse(attempt.at)
        return f"{answer.text('shareUrl') or f'Apple News, article {remote.id}'} ({answer.text('state') or 'there'})"

    def differs(self, parcel: Parcel, digest: str) -> Difference | None:
        remote = _Remote.parse(parcel.remote_id)
        if remote is None:
            return Difference("missing", "Apple News never gave an id for it")
        there = self._read(remote.id, self._attempt(parcel.at))
        if there is None:
            return Difference("missing", f"Apple News has no article {remote.id}")
        if there.revision != remote.revision:
            return Difference("unknown", f"the article {remote.id} was changed by someone else")
        return None

    def check(self) -> str:
        attempt = self._attempt(dt.datetime.now(dt.UTC))
        answer = self._call("GET", f"/channels/{self._settings.channel_id}", attempt)
        answer.refuse(attempt.at)
        return f"reached: the channel {answer.required('name')!r}"

    def close(self) -> None:
        """Do nothing: connections belong to the thread and are shared with other channels."""

    # --- publishing

    def _publish(self, parcel: Parcel, remote: _Remote | None, attempt: _Attempt) -> Receipt:
        for _ in range(_STEPS):
            if remote is None:
                answer = self._create(parcel.rendition.body, attempt, preview=self._settings.is_preview)
                if answer.ok:
                    return _receipt(answer)
                remote = self._duplicate(answer, parcel, attempt)
                if remote is None:
                    answer.refuse(attempt.at)
            elif remote.revision is None:
                remote = self._read(remote.id, attempt)
            else:
                answer = self._update(remote, parcel.rendition.body, attempt)
                if answer.ok:
                    return _receipt(answer)
                _confirm_gone(answer, parcel, remote)
                remote = _after_update(answer, remote, attempt)
        raise TransientError("Apple News: the article is being changed by someone else", code="try-later")

    def _create(self, document: bytes, attempt: _Attempt, *, preview: bool) -> Answer:
        parts = [_metadata({**self._metadata, "isPreview": preview}), _document(document)]
        return self._call("POST", f"/channels/{self._settings.channel_id}/articles", attempt, parts)

    def _update(self, remote: _Remote, document: bytes, attempt: _Attempt) -> Answer:
        data = {**self._metadata, "isPreview": self._settings.is_preview, "revision": remote.revision}
        return self._call("POST", f"/articles/{remote.id}", attempt, [_metadata(data), _document(document)])

    def _read(self, id: str, attempt: _Attempt) -> _Remote | None:
        """Return the article with its current revision token, or None if there is no such article."""
        answer = self._call("GET", f"/articles/{id}", attempt)
        if answer.response.status in _GONE:
            return None
        answer.refuse(attempt.at)
        return _Remote(id, answer.required("revision"))

    def _duplicate(self, answer: Answer, parcel: Parcel, attempt: _Attempt) -> _Remote | None:
        """Return the existing article if it was refused as a duplicate, or None if it was refused for another reason.

        To Apple, articles of one day that share a title, source or thumbnail are duplicates, so it may be a different
        article, which must not be overwritten. Raises PermanentError (`duplicate-elsewhere`) in that case.
        """
        error = answer.error("DUPLICATE_ARTICLE_FOUND")
        if error is None or not (id := str(error.get("value") or "")):
            return None
        there = self._call("GET", f"/articles/{_safe(id)}", attempt)
        if there.response.status not in _GONE:
            there.refuse(attempt.at)
            identifier = _identifier(there)
            if identifier not in (None, parcel.article_id):
                raise PermanentError(
                    f"Apple News considers it a duplicate of {identifier!r} ({there.text('shareUrl') or id}): "
                    "articles of one day may not share a title or thumbnail",
                    status=answer.response.status,
                    code="duplicate-elsewhere",
                )
        return _Remote(_safe(id), there.text("revision"))

    # --- withdrawing

    def _withdraw(self, parcel: Parcel, remote: _Remote | None, attempt: _Attempt) -> Receipt:
        remote = remote or self._found(parcel, attempt)
        answer = self._call("DELETE", f"/articles/{remote.id}", attempt)
        _confirm_gone(answer, parcel, remote)
        detail = "was already gone"
        if answer.response.status not in _GONE:
            answer.refuse(attempt.at)
            detail = f"{answer.response.line}: deleted"
        return Receipt(detail=detail, status=answer.response.status, remote_id=not_found.deleted(str(remote)))

    def _found(self, parcel: Parcel, attempt: _Attempt) -> _Remote:
        """Find the article if its id never reached us, as after a kill: Apple cannot search by our identifier.

        The tombstone is sent as a preview, which no reader sees. Either it is refused as a duplicate, which reveals the
        article's id, or there was no article, and the preview itself gets deleted.
        """
        answer = self._create(parcel.rendition.body, attempt, preview=True)
        if answer.ok:
            return _Remote(_safe(answer.required("id")), answer.text("revision"))
        remote = self._duplicate(answer, parcel, attempt)
        if remote is None:
            answer.refuse(attempt.at)
            raise AssertionError("refuse raises for whatever is not ok")
        return remote

    # --- finding what nobody remembers

    def created_since(self, since: dt.datetime) -> Mapping[str, str]:
        found = dict[str, str]()
        for id in self._created_since(since):
            attempt = self._attempt(dt.datetime.now(dt.UTC))
            answer = self._call("GET", f"/articles/{id}", attempt)
            if answer.response.status in _GONE:
                continue
            answer.refuse(attempt.at)
            if (identifier := _identifier(answer)) and _ARTICLE.fullmatch(identifier):
                found[str(_Remote(id, answer.text("revision")))] = identifier
        return found

    def is_same(self, remote_id: str | None, other: str) -> bool:
        known, there = _Remote.parse(remote_id), _Remote.parse(other)
        if known is None or there is None or not_found.is_deleted(remote_id or ""):
            return False
        return known.id == there.id

    def _created_since(self, since: dt.datetime) -> Iterator[str]:
        """Yield the ids of all articles created since, also of those that somebody else created."""
        token: str | None = ""
        for _ in range(_PAGES):
            query = {"fromDate": rfc3339(since), "sortDir": "ASC", "pageSize": "100"}
            query |= {"pageToken": token} if token else {}
            attempt = self._attempt(dt.datetime.now(dt.UTC))
            path = f"/channels/{self._settings.channel_id}/articles?{urlencode(query)}"
            answer = self._call("GET", path, attempt)
            answer.refuse(attempt.at)
            yield from (_safe(id) for id in answer.ids)
            token = answer.next_page
            if not token:
                return
        raise TransientError("Apple News lists more articles than can be read", code="bad-response")

    # --- requests

    def _attempt(self, at: dt.datetime) -> _Attempt:
        return _Attempt(at, Deadline(self._settings.total_timeout))

    def _call(self, method: str, path: str, attempt: _Attempt, parts: Sequence[Part] = ()) -> Answer:
        return self._api.call(method, path, parts, at=attempt.at, deadline=attempt.deadline)

    @property
    def _metadata(self) -> Mapping[str, Any]:
        settings = self._settings
        data: dict[str, Any] = {
            "isSponsored": settings.is_sponsored,
            "isCandidateToBeFeatured": settings.is_candidate_to_be_featured,
        }
        if settings.maturity_rating:
            data["maturityRating"] = settings.maturity_rating
        if settings.territories:
            data["targetTerritoryCountryCodes"] = settings.territories
        if settings.sections is not None:
            data["links"] = {"sections": [f"{settings.url}/sections/{id}" for id in settings.sections]}
        return data


def _confirm_gone(answer: Answer, parcel: Parcel, remote: _Remote) -> None:
    """Raise PermanentError if the answer is the first 404: another article must not be made in place of a live one."""
    if answer.response.status == 404:
        not_found.confirm(parcel, who="Apple News", remote_id=str(remote))


def _after_update(answer: Answer, remote: _Remote, attempt: _Attempt) -> _Remote | None:
    """Interpret a refused update: return None if the article is gone, or only the id if the token is outdated."""
    if answer.response.status in _GONE:
        return None
    if answer.error("WRONG_REVISION"):
        return _Remote(remote.id, None)
    answer.refuse(attempt.at)
    raise AssertionError("refuse raises for whatever is not ok")


def _receipt(answer: Answer) -> Receipt:
    """Return a receipt. Raises PermanentError (`update-not-applied`) for 202: accepted, but nothing was changed."""
    if answer.response.status == 202:
        message = "Apple's editors have modified the article, so the update was not applied: ask your contact at Apple"
        raise PermanentError(message, status=202, code="update-not-applied")
    remote = _Remote(_safe(answer.required("id")), answer.required("revision"))
    state = answer.text("state") or "accepted"
    parts = [
        f"{answer.response.line}: {state}",
        answer.text("shareUrl"),
        *(f"warning {one}" for one in answer.warnings),
    ]
    detail = "; ".join(" ".join(part.split()) for part in parts if part)[:_DETAIL]
    response = answer.response
    return Receipt(detail=detail, status=response.status, remote_id=str(remote), answer=response.opening)


def _identifier(answer: Answer) -> str | None:
    """Return our identifier from the document in Apple's answer, which is an object or a string."""
    document = answer.data.get("document")
    if isinstance(document, str):
        try:
            document = msgspec.json.decode(document)
        except (msgspec.DecodeError, RecursionError):
            return None
    identifier = document.get("identifier") if isinstance(document, dict) else None
    return identifier if isinstance(identifier, str) else None


def _safe(id: str) -> str:
    """Return an id from Apple if it is safe in a path. Raises TransientError (`bad-response`)."""
    if id.replace("-", "").replace("_", "").isalnum() and id.isascii():
        return id
    raise TransientError("Apple News gave an invalid id", code="bad-response")


def _metadata(data: Mapping[str, Any]) -> Part:
    return Part("metadata", msgspec.json.encode({"data": data}))


def _document(document: bytes) -> Part:
    return Part("article.json", document, filename="article.json")


def _place(settings: AppleNewsSettings) -> str:
    return f"{settings.url}/channels/{settings.channel_id.lower()}"


CHANNEL = ChannelType(name="apple-news", settings=AppleNewsSettings, open=AppleNews, format="apple-news", place=_place)
