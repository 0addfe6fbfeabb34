"""Check whether a withdrawn article can still be read at a partner's public address."""

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
    """Return the template if `{article}` occurs exactly once, in its path or query. Raises ConfigError."""
    parts = urlsplit(template)
    if template.count(ARTICLE) != 1 or ARTICLE not in parts.path + "?" + parts.query:
        raise ConfigError("must contain `{article}`, the article's id, exactly once, after the host", key=key)
    if re.search(r"[{}]", template.replace(ARTICLE, "")):
        raise ConfigError("must contain no braces other than those of `{article}`", key=key)
    return template


def shown_at(http: Http, template: str, article_id: str) -> str | None:
    """Return the address and status if the article can still be read, or None if the answer is 404 or 410.

    A redirect or a refusal (401, 403) proves nothing, so it counts as readable. Raises TransientError if the host does
    not answer or asks to try later, and PermanentError for an id that would change the path.
    """
    if not article_id.strip("."):
        raise PermanentError("an id of dots only is not an article", code="invalid-url")
    url = template.replace(ARTICLE, quote(article_id, safe=""))
    headers = {"cache-control": "no-cache"}  # bypasses caches in between
    response = http.request("GET", url, headers=headers, limits=_LIMITS)
    if response.status in _GONE:
        return None
    if response.status in (408, 425, 429) or response.status >= 500:
        response.raise_for_delivery(dt.datetime.now(dt.UTC))
    return f"{url}: {response.line}"
