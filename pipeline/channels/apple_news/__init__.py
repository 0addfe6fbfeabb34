"""The `apple-news` channel: creates, updates and deletes articles in Apple News, each there only once.

Apple gives an article an id and, at every change, a revision token that the next change must show. Both are the remote
id, which the ledger keeps as soon as Apple has answered. An answer that was lost on the way (a cut, a kill) leaves an
article whose id is not known here; Apple names it when it refuses the second one as a duplicate.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field, StringConstraints, field_validator

from pipeline.channels import ChannelType
from pipeline.channels.apple_news.api import Answer, AppleNewsApi, Part, signing_secret
from pipeline.channels.shared.deadline import Deadline
from pipeline.channels.shared.settings import ChannelSettings
from pipeline.errors import PermanentError, TransientError
from pipeline.http import Http, web_address
from pipeline.model.delivery import Parcel, Receipt
from pipeline.secret import SecretRef

_STEPS = 6  # requests that may change something, in one delivery: more would mean that somebody else changes it too
_DETAIL = 500  # characters
_GONE = (404, 410)

Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$")]


class AppleNewsSettings(ChannelSettings):
    """`sections`: ids; None leaves it to Apple (the default section), an empty list means an article outside of all."""

    channel_id: Uuid
    key_id: SecretRef
    secret: SecretRef
    url: str = "https://news-api.apple.com"
    sections: tuple[Uuid, ...] | None = None
    is_preview: bool = False
    is_sponsored: bool = False
    is_candidate_to_be_featured: bool = False
    maturity_rating: Literal["KIDS", "MATURE", "GENERAL"] | None = None
    territories: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")], ...] = ()
    total_timeout: Annotated[float, Field(gt=0, le=40)] = 30.0

    @field_validator("url")
    @classmethod
    def _absolute(cls, url: str) -> str:
        if web_address(url).query:
            raise ValueError("must hold no query")
        return url.rstrip("/")


@dataclass(frozen=True)
class _Remote:
    """What the ledger keeps: `id@revision`."""

    id: str
    revision: str | None  # None: to be asked for

    @classmethod
    def parse(cls, text: str | None) -> _Remote | None:
        id, _, revision = (text or "").partition("@")
        return cls(id, revision or None) if id else None

    def __str__(self) -> str:
        return f"{self.id}@{self.revision}" if self.revision else self.id


@dataclass(frozen=True)
class _Turn:
    """One delivery: when it began, and what is left of its time."""

    at: dt.datetime
    deadline: Deadline


class AppleNews:
    def __init__(self, settings: AppleNewsSettings, http: Http) -> None:
        self._settings = settings
        secret = signing_secret(settings.secret.resolve("secret"))
        self._api = AppleNewsApi(http, settings.url, settings.key_id.resolve("key_id"), secret)

    def deliver(self, parcel: Parcel) -> Receipt:
        turn = self._turn(parcel.at)
        remote = _Remote.parse(parcel.remote_id)
        if parcel.event == "withdrawn":
            return self._withdraw(parcel, remote, turn)
        return self._publish(parcel, remote, turn)

    def shows(self, parcel: Parcel) -> str | None:
        remote = _Remote.parse(parcel.remote_id)
        if remote is None:
            return None
        turn = self._turn(parcel.at)
        answer = self._call("GET", f"/articles/{remote.id}", turn)
        if answer.response.status in _GONE:
            return None
        answer.refuse(turn.at)
        return f"{answer.text('shareUrl') or f'Apple News, article {remote.id}'} ({answer.text('state') or 'there'})"

    def check(self) -> str:
        turn = self._turn(dt.datetime.now(dt.UTC))
        answer = self._call("GET", f"/channels/{self._settings.channel_id}", turn)
        answer.refuse(turn.at)
        return f"reached: the channel {answer.want('name')!r}"

    def close(self) -> None:
        """The connections are the thread's, and shared with other channels."""

    # --- publishing

    def _publish(self, parcel: Parcel, remote: _Remote | None, turn: _Turn) -> Receipt:
        for _ in range(_STEPS):
            if remote is None:
                answer = self._create(parcel.rendition.body, turn, preview=self._settings.is_preview)
                if answer.ok:
                    return _receipt(answer)
                remote = self._duplicate(answer, parcel, turn)
                if remote is None:
                    answer.refuse(turn.at)
            elif remote.revision is None:
                remote = self._read(remote.id, turn)
            else:
                answer = self._update(remote, parcel.rendition.body, turn)
                if answer.ok:
                    return _receipt(answer)
                remote = _after_update(answer, remote, turn)
        raise TransientError("Apple News: the article changes while it is being sent", code="try-later")

    def _create(self, document: bytes, turn: _Turn, *, preview: bool) -> Answer:
        parts = [_metadata({**self._metadata, "isPreview": preview}), _document(document)]
        return self._call("POST", f"/channels/{self._settings.channel_id}/articles", turn, parts)

    def _update(self, remote: _Remote, document: bytes, turn: _Turn) -> Answer:
        data = {**self._metadata, "isPreview": self._settings.is_preview, "revision": remote.revision}
        return self._call("POST", f"/articles/{remote.id}", turn, [_metadata(data), _document(document)])

    def _read(self, id: str, turn: _Turn) -> _Remote | None:
        """The article's revision as it is; None: there is none of that id."""
        answer = self._call("GET", f"/articles/{id}", turn)
        if answer.response.status in _GONE:
            return None
        answer.refuse(turn.at)
        return _Remote(id, answer.want("revision"))

    def _duplicate(self, answer: Answer, parcel: Parcel, turn: _Turn) -> _Remote | None:
        """Ours, by Apple's refusal of a second one; None where it was refused for something else.

        Apple takes for a duplicate what shares title, source or thumbnail within a day, so it may well be another
        article, which must not be written over. Raises PermanentError (`duplicate-elsewhere`) then.
        """
        error = answer.error("DUPLICATE_ARTICLE_FOUND")
        if error is None or not (id := str(error.get("value") or "")):
            return None
        there = self._call("GET", f"/articles/{_safe(id)}", turn)
        if there.response.status not in _GONE:
            there.refuse(turn.at)
            identifier = _identifier(there)
            if identifier not in (None, parcel.article_id):
                raise PermanentError(
                    f"Apple News takes it for a duplicate of {identifier!r} ({there.text('shareUrl') or id}): "
                    "within a day no two articles may share title or thumbnail",
                    status=answer.response.status,
                    code="duplicate-elsewhere",
                )
        return _Remote(_safe(id), there.text("revision"))

    # --- withdrawing

    def _withdraw(self, parcel: Parcel, remote: _Remote | None, turn: _Turn) -> Receipt:
        remote = remote or self._found(parcel, turn)
        answer = self._call("DELETE", f"/articles/{remote.id}", turn)
        if answer.response.status in _GONE:
            return Receipt(detail="was not there any more", status=answer.response.status, remote_id=str(remote))
        answer.refuse(turn.at)
        return Receipt(detail=f"{answer.response.line}: deleted", status=answer.response.status, remote_id=str(remote))

    def _found(self, parcel: Parcel, turn: _Turn) -> _Remote:
        """The article whose id never reached us, as after a kill: Apple lists none by our identifier.

        So the tombstone is sent as a preview, which no reader sees. It is refused as a duplicate, which tells the
        article's id, or there was none, and the preview itself is what gets deleted.
        """
        answer = self._create(parcel.rendition.body, turn, preview=True)
        if answer.ok:
            return _Remote(_safe(answer.want("id")), answer.text("revision"))
        remote = self._duplicate(answer, parcel, turn)
        if remote is None:
            answer.refuse(turn.at)
            raise AssertionError("refuse raises for whatever is not ok")
        return remote

    # --- requests

    def _turn(self, at: dt.datetime) -> _Turn:
        return _Turn(at, Deadline(self._settings.total_timeout))

    def _call(self, method: str, path: str, turn: _Turn, parts: Sequence[Part] = ()) -> Answer:
        return self._api.call(method, path, parts, at=turn.at, deadline=turn.deadline)

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


def _after_update(answer: Answer, remote: _Remote, turn: _Turn) -> _Remote | None:
    """What is known after a refused update: nothing where there is no article, the id alone where the token is old."""
    if answer.response.status in _GONE:
        return None
    if answer.error("WRONG_REVISION"):
        return _Remote(remote.id, None)
    answer.refuse(turn.at)
    raise AssertionError("refuse raises for whatever is not ok")


def _receipt(answer: Answer) -> Receipt:
    """Raises PermanentError (`update-not-applied`) for 202: Apple has taken it and changed nothing."""
    if answer.response.status == 202:
        message = "Apple's editors have optimised the article, so the update was not applied: ask your contact at Apple"
        raise PermanentError(message, status=202, code="update-not-applied")
    remote = _Remote(_safe(answer.want("id")), answer.want("revision"))
    state = answer.text("state") or "taken"
    parts = [
        f"{answer.response.line}: {state}",
        answer.text("shareUrl"),
        *(f"warning {one}" for one in answer.warnings),
    ]
    detail = "; ".join(" ".join(part.split()) for part in parts if part)[:_DETAIL]
    response = answer.response
    return Receipt(detail=detail, status=response.status, remote_id=str(remote), answer=response.opening)


def _identifier(answer: Answer) -> str | None:
    """Our own name for the article, out of the document that Apple repeats (as an object, or as text)."""
    document = answer.data.get("document")
    if isinstance(document, str):
        try:
            document = msgspec.json.decode(document)
        except (msgspec.DecodeError, RecursionError):
            return None
    identifier = document.get("identifier") if isinstance(document, dict) else None
    return identifier if isinstance(identifier, str) else None


def _safe(id: str) -> str:
    """An id that Apple gave, as part of a path. Raises TransientError (`bad-response`) where it could be more."""
    if id.replace("-", "").replace("_", "").isalnum() and id.isascii():
        return id
    raise TransientError("Apple News gave an id that is none", code="bad-response")


def _metadata(data: Mapping[str, Any]) -> Part:
    return Part("metadata", msgspec.json.encode({"data": data}))


def _document(document: bytes) -> Part:
    return Part("article.json", document, filename="article.json")


CHANNEL = ChannelType(name="apple-news", settings=AppleNewsSettings, open=AppleNews, format="apple-news")
