"""Classify NCBI's responses: data, "none of these ids is valid", or a failure that says nothing about any paper.

The status alone cannot be trusted: a body that says "rate limit" has come with 200, and a failing backend with 400.
So the body is checked first. Only a complete set of records, or NCBI's own statement that the ids are not valid, is an
answer; everything else is transient, and never "no such paper". No error here quotes a body: NCBI's bodies name the
caller's IP address, and may echo its key.
"""

from __future__ import annotations

import datetime as dt
import re

from pipeline.errors import TransientError
from pipeline.http import Response
from pipeline.model.reference import Reference
from pipeline.references.no_answer import Reason, by_status, no_answer
from pipeline.references.pubmed.hardened import NotWellFormed, unreadable
from pipeline.references.pubmed.pubmed_xml import parse_pubmed

_LOOKED_AT = 4096  # bytes: error bodies are short
_NO_VALID_IDS = ("id list is empty", "the following pmid is not available")
_RECORD_SET = re.compile(rb"<(?:PubmedArticleSet|PubmedBookArticleSet)\b")
_SET_ENDS = re.compile(rb"</(?:PubmedArticleSet|PubmedBookArticleSet)\s*>\s*\Z")
_ERROR_ELEMENT = re.compile(rb"<ERROR\b", re.IGNORECASE)


class BrokenRecords(NotWellFormed):
    """A complete response that is malformed: one of its records breaks it, and would break it again."""


def read_efetch(response: Response, now: dt.datetime) -> dict[str, Reference] | None:
    """Return the records by PMID, or None if NCBI says that none of the requested ids is valid.

    Raises TransientError with NCBI's `retry_after` if it gave one, and with one of the codes `rate-limited`,
    `unroutable`, `api-key-refused`, `html-page`, `backend-failed`, `redirected`, `refused-by-ncbi`, `not-data`,
    `unreadable-xml`. The last is a BrokenRecords if the response was complete.
    """
    if response.status == 200 and _RECORD_SET.search(response.body, 0, _LOOKED_AT):
        if _ERROR_ELEMENT.search(response.body):
            raise unreadable("it holds an error among its records")
        return _records(response.body)
    text = _start(response)
    if any(word in text for word in _NO_VALID_IDS) and response.status in (200, 400):
        return None
    raise failure_of(response, now)


def _records(body: bytes) -> dict[str, Reference]:
    try:
        return parse_pubmed(body)
    except NotWellFormed as error:
        if not _SET_ENDS.search(body, max(0, len(body) - _LOOKED_AT)):
            raise
        raise BrokenRecords(error.message) from error


# Words that must all appear in a body (in lower case), the code that they indicate, and what it means.
_ERRORS = (
    (("rate limit exceeded",), "rate-limited", "too many requests"),
    (("api key", "invalid"), "api-key-refused", "it refuses the API key"),
    (("unable to route request",), "unroutable", "its rate control could not route the request"),
    (("<html", "blocked"), "html-page", "it has blocked this address"),
    (("<html",), "html-page", "a web page came instead of data"),
    (("proxy_stream",), "backend-failed", "its backend failed"),
    (("<error",), "backend-failed", "its backend failed"),
)


def failure_of(response: Response, now: dt.datetime) -> TransientError:
    """Explain why a response of E-utilities or the ID converter holds no data, by its words, then by its status."""
    text = _start(response)
    known = ((code, what) for words, code, what in _ERRORS if all(word in text for word in words))
    return no_answer(response, "NCBI", next(known, None) or by_status(response.status) or _other(response), now)


def _other(response: Response) -> Reason:
    if response.status == 200:
        return "not-data", "what came is no data"
    return "refused-by-ncbi", "it refused the request"


def _start(response: Response) -> str:
    """Return the beginning of the body for comparison; NCBI has sent its words with "+" for spaces."""
    return response.body[:_LOOKED_AT].decode("utf-8", "replace").replace("+", " ").lstrip("\ufeff \r\n\t").lower()
