"""Ask NCBI's E-utilities: a form in a POST, so that no key is part of a URL.

Source: NCBI, "A General Introduction to the E-utilities" (NBK25497), and "The E-utilities In-Depth" (NBK25499).
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from pipeline.errors import PermanentError, TransientError
from pipeline.http import Http, Limits, Response
from pipeline.references.json_answers import decoded
from pipeline.references.pubmed.answers import failure_of

_SPACING = 1.02  # seconds between the requests under one permit, which allows one per second


@dataclass(frozen=True)
class Service:
    """The E-utilities at one address (".../entrez/eutils/"). `tool` and `email` tell NCBI whom to contact."""

    http: Http
    base_url: str
    tool: str
    email: str | None
    api_key: str | None = field(repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def post(self, program: str, form: Mapping[str, str], limits: Limits, *, accept: str = "*/*") -> Response:
        """Return the response, whatever it says. Raises what `Http.request` raises."""
        who = {"tool": self.tool, "email": self.email, "api_key": self.api_key}
        body = urlencode({name: value for name, value in {**form, **who}.items() if value}, safe=",").encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": accept}
        return self.http.request(
            "POST", f"{self.base_url.rstrip('/')}/{program}", headers=headers, body=body, limits=limits
        )

    def ask(self, program: str, form: Mapping[str, str], limits: Limits, *, accept: str = "*/*") -> Response:
        """Do the same, with a TransientError for all that is raised.

        It is visible to those who can fix it (an address, a network that may not be reached), and to be tried again.
        """
        try:
            return self.post(program, form, limits, accept=accept)
        except PermanentError as error:
            raise TransientError(error.message, code=error.code, status=error.status) from error

    def pause(self) -> None:
        """Wait as long as NCBI requires before the next request under the same permit."""
        self.sleep(_SPACING)

    def search(self, term: str, limits: Limits, *, most: int) -> tuple[list[str], int]:
        """Return at most so many PMIDs that ESearch finds, and how many there are in all.

        Raises TransientError for every response that is not an answer.
        """
        form = {"db": "pubmed", "retmode": "json", "retmax": str(most), "term": term}
        response = self.ask("esearch.fcgi", form, limits, accept="application/json")
        result = _result(response.body) if response.status == 200 else None
        if result is None:
            raise failure_of(response, dt.datetime.now(dt.UTC))
        return result


def _result(body: bytes) -> tuple[list[str], int] | None:
    """Return the listed PMIDs and how many there are in all, or None if the body is not an answer."""
    answer: Any = (decoded(body) or {}).get("esearchresult")
    if not isinstance(answer, dict) or "ERROR" in answer or not isinstance(answer.get("idlist"), list):
        return None
    count = str(answer.get("count", ""))
    pmids = [pmid for pmid in answer["idlist"] if isinstance(pmid, str) and pmid.isascii() and pmid.isdigit()]
    return (pmids, int(count)) if count.isascii() and count.isdigit() and len(count) < 10 else None
