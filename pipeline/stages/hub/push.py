"""Push the whole feed document, signed if the subscriber gave a secret (WebSub, sections 7 and 7.1)."""

from __future__ import annotations

import datetime as dt
import hmac
import threading
import time

import structlog
from msgspec import Struct

from pipeline.errors import CitewireError, TransientError
from pipeline.feeds.files import feed_path
from pipeline.http import Limits, Response
from pipeline.ledger import feeds
from pipeline.ledger.hub import subscriptions
from pipeline.ledger.hub.subscriptions import Subscription
from pipeline.model.rendition import content_type, digest_of
from pipeline.stages.context import Context
from pipeline.timing import next_delay

LIMITS = Limits(connect=3.0, read=5.0, total=5.0, max_bytes=1_024, truncate=True)
SLOW = 1.0  # seconds; a subscriber that takes longer is moved to the slow lane

_log = structlog.get_logger()


class Document(Struct, frozen=True):
    media_type: str
    digest: str
    body: bytes


class Documents:
    """The newest document of each topic, read once for all its subscribers. Safe to share between threads."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._read_before: dict[tuple[str, str], Document] = {}
        self._lock = threading.Lock()

    def newest(self, feed: str, format: str, digest: str | None) -> Document | None:
        """Return the document with this digest or a newer one; None when the feed has none."""
        with self._lock:
            document = self._read_before.get((feed, format))
            if document is None or document.digest != digest:
                document = self._read(feed, format)
                if document is not None:
                    self._read_before[feed, format] = document
            return document

    def _read(self, feed: str, format: str) -> Document | None:
        for _ in range(2):  # the bytes may be dropped just after a newer document was stored
            with self._context.ledger.read() as transaction:
                document = feeds.document(transaction, feed, format)
            if document is None:
                return None
            body = self._context.store.get(document.digest) or self._file(feed, format, document.digest)
            if body is not None:
                return Document(document.media_type, document.digest, body)
        raise TransientError("the feed's document is not in the store", code="feed-not-built")

    def _file(self, feed: str, format: str, digest: str) -> bytes | None:
        """Return the feed's public file if it has these bytes, whose copy was lost, and store them again."""
        store = self._context.store
        found = store.get_file(feed_path(feed, self._context.formats[format].extension))
        if found is None or digest_of(found[0]) != digest:
            return None
        store.put(digest, found[0])
        return found[0]


def push(context: Context, documents: Documents, to: Subscription, token: str) -> None:
    """Send the subscriber the newest document, unless it already has it."""
    document = documents.newest(to.feed, to.format, to.target_digest)
    if document is None or document.digest == to.delivered_digest:
        _settle(context, to, token, to.delivered_digest, slow=False)
        return
    started = time.perf_counter()
    try:
        answer = _post(context, to, document)
    except CitewireError as error:
        put_off(context, to, token, f"{error.code}: {error}", None)
        return
    elapsed = time.perf_counter() - started
    if 200 <= answer.status < 300:
        _settle(context, to, token, document.digest, slow=elapsed > SLOW)
        _log.info("pushed", host=to.host, subscription=to.id, milliseconds=round(elapsed * 1000))
    elif answer.status == 410:
        _end(context, to, answer.line)
    else:
        put_off(context, to, token, answer.line, answer.retry_after(context.clock()))


def put_off(context: Context, to: Subscription, token: str, error: str, retry_after: float | None) -> None:
    """Schedule another attempt, with the newest document by then, or end the subscription after too many failures."""
    attempts = to.attempts + 1
    wait = next_delay(attempts, context.policy.retries, jitter=context.random(), retry_after=retry_after)
    if wait is None:
        _end(context, to, f"given up after {attempts} failures, the last one: {error}")
        return
    due = context.clock() + dt.timedelta(seconds=wait)
    with context.ledger.write() as transaction:
        subscriptions.failed(transaction, to.id, token=token, due=due, error=error)
    _log.warning("not pushed", host=to.host, subscription=to.id, attempt=attempts, error=error)


def signature(secret: str, body: bytes) -> str:
    """Return the value of `X-Hub-Signature` (section 7.1)."""
    return "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex()


def _post(context: Context, to: Subscription, document: Document) -> Response:
    assert context.hub is not None
    links = f'<{context.hub.address}>; rel="hub", <{to.topic}>; rel="self"'
    headers = {"Content-Type": content_type(document.media_type), "Link": links}
    if to.secret:
        headers["X-Hub-Signature"] = signature(to.secret, document.body)
    return context.hub.http.request("POST", to.callback, headers=headers, body=document.body, limits=LIMITS)


def _settle(context: Context, to: Subscription, token: str, digest: str | None, *, slow: bool) -> None:
    with context.ledger.write() as transaction:
        subscriptions.pushed(transaction, to.id, digest, token=token, slow=slow, now=context.clock())


def _end(context: Context, to: Subscription, why: str) -> None:
    with context.ledger.write() as transaction:
        subscriptions.end(transaction, to.id)
    _log.warning("subscription ended", host=to.host, subscription=to.id, topic=to.topic, why=why)
