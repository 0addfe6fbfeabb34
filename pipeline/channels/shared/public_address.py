"""Whether a withdrawn article can still be read at a partner's public address: the proof of a withdrawal there."""

from __future__ import annotations

import datetime as dt
import re
from urllib.parse import quote, urlsplit

from pipeline.errors import ConfigError, PermanentError
from pipeline.http import Http, Limits

ARTICLE = "{article}"

_GONE = frozenset({404, 410})
_LIMITS = Limits(max_bytes=1024, truncate=True)


def checked(template: str, *, key: str) -> str:
    """The setting, if it can be used: `{article}` stands once in its path or query. Raises ConfigError."""
    parts = urlsplit(template)
    if template.count(ARTICLE) != 1 or ARTICLE not in parts.path + "?" + parts.query:
        raise ConfigError("must hold `{article}` once, behind the host: the article's id is put there", key=key)
    if re.search(r"[{}]", template.replace(ARTICLE, "")):
        raise ConfigError("must hold no braces but those of `{article}`", key=key)
    return template


def shown_at(http: Http, template: str, article_id: str) -> str | None:
    """Where the article can still be read, with the status; None where 404 or 410 says that it is gone.

    A redirect or a refusal (401, 403) proves nothing, so it counts as shown. Raises TransientError where the host does
    not answer, and for what asks to come back later; PermanentError for an id that would leave its place.
    """
    if not article_id.strip("."):
        raise PermanentError("an id of dots names no article", code="invalid-url")
    url = template.replace(ARTICLE, quote(article_id, safe=""))
    headers = {"cache-control": "no-cache"}  # past what a cache in between may still hold
    response = http.request("GET", url, headers=headers, limits=_LIMITS)
    if response.status in _GONE:
        return None
    if response.status in (408, 425, 429) or response.status >= 500:
        response.raise_for_delivery(dt.datetime.now(dt.UTC))
    return f"{url}: {response.line}"
