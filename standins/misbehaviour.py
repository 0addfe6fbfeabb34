"""The ways in which NCBI fails, by name, each as a modification of the regular answer.

They imitate recorded responses and contain the phrases that a client may look for.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Transport = Literal["whole", "reset", "cut", "drip", "hang"]


@dataclass(frozen=True)
class Answer:
    """An answer. `transport`: `reset` closes at once, `cut` midway; `drip` sends a byte at a time, `hang` nothing."""

    status: int
    media_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0  # seconds
    transport: Transport = "whole"


def error_answer(message: str) -> Answer:
    """Return an error document of efetch."""
    body = (
        '<?xml version="1.0" encoding="UTF-8" ?>\n<!DOCTYPE eEfetchResult PUBLIC "-//NLM//DTD efetch 20131226//EN" '
        '"https://eutils.ncbi.nlm.nih.gov/eutils/dtd/20131226/efetch.dtd">\n'
        f"<eFetchResult>\n\t<ERROR>{message}</ERROR>\n</eFetchResult>\n"
    )
    return Answer(400, "text/xml; charset=UTF-8", body.encode())


def rate_answer(limit: int, *, status: int = 429) -> Answer:
    error = {"error": "API rate limit exceeded", "api-key": "192.0.2.1", "count": str(limit + 1), "limit": str(limit)}
    return Answer(status, "application/json", json.dumps(error).encode(), {"Retry-After": "2"})


def _page(status: int, title: str) -> Answer:
    page = f"<!DOCTYPE html><html><head><title>NCBI - {title}</title></head><body><h1>{title}</h1></body></html>"
    return Answer(status, "text/html", page.encode())


_UNROUTABLE = Answer(502, "text/plain", b"Unable to route request!\n\nservice name: /http/service/ratecontrol\n")
_STRANGER = (
    b"<?xml version='1.0' ?><PubmedArticleSet><PubmedArticle><MedlineCitation><PMID Version='1'>1</PMID>"
    b"<Article><ArticleTitle>Nobody asked for this.</ArticleTitle></Article>"
    b"</MedlineCitation></PubmedArticle></PubmedArticleSet>"
)

MISBEHAVIOURS: dict[str, Callable[[Answer], Answer]] = {
    "down": lambda good: replace(good, transport="reset"),
    "slow": lambda good: replace(good, delay=3.0),
    "hang": lambda good: replace(good, transport="hang"),
    "drip": lambda good: replace(good, transport="drip"),
    "cut": lambda good: replace(good, transport="cut"),
    "truncated": lambda good: replace(good, body=good.body[: len(good.body) * 2 // 3]),
    "429": lambda _: rate_answer(3),
    "429-as-200": lambda _: rate_answer(3, status=200),
    "500-html": lambda _: _page(500, "WWW Error 500 Diagnostic"),
    "blocked": lambda _: _page(403, "WWW Error Blocked Diagnostic"),
    "backend-400": lambda _: error_answer(
        "Error: CEFetchPApplication::proxy_stream(): Failed to connect to a service. Try again later."
    ),
    "unroutable": lambda _: _UNROUTABLE,
    "not-xml": lambda _: Answer(200, "text/plain", b"id: 1 Error occurred: something that nobody has seen before"),
    "empty": lambda _: Answer(200, "text/xml", b""),
    "stranger": lambda _: Answer(200, "text/xml", _STRANGER),
}
SOURCE_FAULTS: dict[str, Callable[[Answer], Answer]] = {
    **{name: MISBEHAVIOURS[name] for name in ("down", "hang", "drip", "cut", "truncated", "500-html", "empty")},
    "429": lambda _: Answer(429, "application/json", b'{"error": "Too Many Requests"}', {"Retry-After": "2"}),
    "503": lambda _: Answer(503, "text/plain", b"Service Unavailable", {"Retry-After": "54000"}),  # fifteen hours
    "other-shape": lambda _: Answer(200, "application/json", b'{"status": "ok", "data": {"works": []}}'),
    "redirect": lambda _: Answer(301, "text/plain", b"Moved", {"Location": "http://127.0.0.1:1/"}),
}
"""How Crossref and Europe PMC fail."""

_NO_ANSWERS = tuple(name for name in MISBEHAVIOURS if name not in ("slow", "hang", "drip", "stranger"))


class Conduct:
    """Applies a misbehaviour to answers, always or a number of `times`, at `path` or everywhere.

    `random`: applies a random one to half the answers, drawn from those that do not reveal a fault and take no time.
    `turns`: applies each of those in turn, alternating with good answers, separately for each path.
    """

    names = ("", "random", "turns", *MISBEHAVIOURS)

    def __init__(
        self,
        name: str = "",
        *,
        times: int | None = None,
        seed: int = 0,
        path: str = "",
        faults: Mapping[str, Callable[[Answer], Answer]] = MISBEHAVIOURS,
    ) -> None:
        names = self.names if faults is MISBEHAVIOURS else ("", *faults)
        if name not in names:
            raise ValueError(f"there is no misbehaviour {name!r}; there are {', '.join(names[1:])}")
        self._faults = faults
        self._name = name
        self._left = times
        self._path = path
        self._random = random.Random(seed)
        self._turns: Counter[str] = Counter()

    def apply(self, good: Answer, path: str = "") -> Answer:
        if not self._name or self._left == 0 or not path.startswith(self._path):
            return good
        if self._left is not None:
            self._left -= 1
        name = self._next(path)
        return self._faults[name](good) if name else good

    def _next(self, path: str) -> str:
        if self._name == "random":
            return self._random.choice(_NO_ANSWERS) if self._random.random() < 0.5 else ""
        if self._name == "turns":
            self._turns[path] += 1
            turn = self._turns[path]
            return _NO_ANSWERS[turn // 2 % len(_NO_ANSWERS)] if turn % 2 else ""
        return self._name
