"""Responses of any source that are not answers: what their status means, and the error for them."""

from __future__ import annotations

import datetime as dt

from pipeline.errors import TransientError
from pipeline.http import Response

Reason = tuple[str, str]  # a code, and what it means


def by_status(status: int) -> Reason | None:
    """Return why a source did not answer, as far as the status says it."""
    if status == 429:
        return "rate-limited", "too many requests"
    if status >= 500:
        return "backend-failed", "its backend failed"
    if 300 <= status < 400:
        return "redirected", "it redirects (the configured address may be out of date)"
    return None


def no_answer(response: Response, source: str, reason: Reason, now: dt.datetime) -> TransientError:
    """Return the error for a response that holds no data of the source."""
    code, what = reason
    return TransientError(
        f"{source} gave no answer: {what} ({response.status})",
        code=code,
        status=response.status,
        retry_after=response.retry_after(now),
    )
