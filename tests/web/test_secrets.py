"""What is under an embargo answers exactly like what does not exist, at every address and for every stranger.

Two systems do the same, but one of them also has a secret. Every public address of both is asked, by strangers and by
partners with their tokens, and the answers are compared byte by byte (without `Date`).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from asgi import send
from bench import START, paper
from fastapi.routing import iter_route_contexts
from msgspec import structs
from served import Served, served

from pipeline.model.reference import Notice

SECRET, OPEN = "secret-recall", "open-article"
SHARED, HIDDEN, NEVER = "1", "2", "3"  # PMIDs: the open article's, the secret's, nobody's
CALLERS = {
    "anyone": {},
    "a partner who pulls": {"authorization": "Bearer reader"},
    "a partner who is sent": {"authorization": "Bearer partner"},
}
TOKENS_MATTER = ("/partners/", "/v1/")  # other addresses do not look at them
OPERATORS = {"/metrics"}  # counts everything, and is kept from the public by the proxy (docs/operating.md)

Answer = tuple[int, Mapping[str, str], bytes]


def article(id: str, *pmids: str, title: str = "", text: str = "It helps.", embargo: dt.datetime | None = None) -> str:
    lines = [
        "---",
        f"id: {id}",
        f"title: {title or f'About {id}'}",
        f"topics: [{id}]",
        f"references: [{', '.join(pmids)}]",
        *([f"embargo: {embargo.isoformat()}"] if embargo else []),
        "---",
        "",
        text,
        "",
    ]
    return "\n".join(lines)


class Pair:
    """`hiding` has the secret; `plain` never heard of it."""

    def __init__(self, hiding: Served, plain: Served) -> None:
        self.hiding, self.plain = hiding, plain

    def both(self, act: Callable[[Served], object]) -> None:
        for one in (self.hiding, self.plain):
            act(one)

    def wait(self, **time: float) -> None:
        self.both(lambda one: one.clock.pass_(dt.timedelta(**time).total_seconds()))

    def compare(self) -> None:
        """Ask both everything, before and after what is due is done."""
        for _ in range(2):
            asyncio.run(self._ask_both())
            self.both(Served.work)

    async def _ask_both(self) -> None:
        for method, address in addresses(self.hiding):
            for caller, headers in CALLERS.items():
                if caller == "anyone" or address.startswith(TOKENS_MATTER):
                    hiding = await ask(self.hiding, method, address, headers)
                    plain = await ask(self.plain, method, address, headers)
                    assert hiding == plain, f"{method} {address} by {caller}"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with served(tmp_path / "hiding") as hiding, served(tmp_path / "plain") as plain:
        pair = Pair(hiding, plain)
        pair.both(lambda one: one.publish(article(OPEN, SHARED), name="open"))
        pair.both(Served.work)
        pair.wait(minutes=1)
        yield pair


async def ask(site: Served, method: str, address: str, headers: Mapping[str, str]) -> Answer:
    answer = await send(site.app, method, address, headers=headers)
    return answer.status, {name: value for name, value in answer.headers.items() if name != "date"}, answer.body


def addresses(site: Served) -> list[tuple[str, str]]:
    """Every method and address that the app has a route for, with values that the secret could show at."""
    found = []
    for route in iter_route_contexts(site.app.routes):
        path, methods = getattr(route, "path", ""), getattr(route, "methods", None) or ()
        if path in OPERATORS:
            continue
        for address in filled(site, path):
            found += [(method, address) for method in sorted(methods)]
    return found


def filled(site: Served, path: str) -> list[str]:
    """The path with every combination of values. A parameter of a new route fails here until it is given some."""
    names = [part.split("}")[0] for part in path.split("{")[1:]]
    combinations = itertools.product(*(values(site, path, name) for name in names))
    return [path.format(**dict(zip(names, some, strict=True))) for some in combinations]


def values(site: Served, path: str, name: str) -> list[str]:
    extensions = sorted({format.extension for format in site.context.formats.values()})
    ids = [SECRET, OPEN]
    match path, name:
        case "/articles/{name}", "name":
            return [*ids, *(f"{id}.{extension}" for id in ids for extension in extensions)]
        case "/feeds/{name}", "name":
            return [f"latest.{extension}" for extension in extensions]
        case "/feeds/{feed}/archive/{name}", "name":
            return ["1.atom"]
        case "/sitemaps/{name}", "name":
            return ["1.xml"]
    return {
        "article_id": ids,
        "channel": ["reader", "partner"],
        "delivery_id": ["dlv_1"],
        "event_id": [site.event],
        "extension": extensions,
        "feed": ["latest"],
        "pmid": [SHARED, HIDDEN, NEVER],
        "revision": ["1", "2", "3"],
    }[name]


def retract(site: Served, pmid: str) -> None:
    """PubMed says from now on that the paper was retracted, and is asked again at night."""
    notice = Notice("retracted", "J Ex. 2026;1:1", "999")
    site.pubmed.papers[pmid] = structs.replace(paper(pmid), editorial=("retracted",), notices=(notice,))


def test_the_walk_would_notice_a_secret(pair: Pair) -> None:
    pair.hiding.publish(article(SECRET, HIDDEN), name="secret")
    with pytest.raises(AssertionError, match=SECRET):
        pair.compare()


def test_a_scheduled_article_leaves_no_trace_before_its_time_nor_after_its_withdrawal(pair: Pair) -> None:
    embargo = START + dt.timedelta(days=3)
    pair.compare()
    pair.hiding.publish(article(SECRET, HIDDEN, SHARED, embargo=embargo), name="secret")
    pair.compare()
    pair.wait(hours=1)
    pair.hiding.publish(article(SECRET, HIDDEN, title="Another title", embargo=embargo), name="secret")
    pair.compare()
    pair.both(lambda one: retract(one, HIDDEN))
    pair.both(lambda one: retract(one, SHARED))
    pair.wait(hours=20)
    pair.compare()
    pair.hiding.withdraw(SECRET)
    pair.compare()
    pair.hiding.publish(article(SECRET, HIDDEN, embargo=embargo), name="secret")
    pair.compare()
    pair.hiding.withdraw(SECRET)
    pair.wait(days=4)
    pair.compare()


def test_an_embargoed_update_of_a_live_article_leaves_no_trace(pair: Pair) -> None:
    embargo = START + dt.timedelta(days=3)
    pair.compare()
    pair.hiding.publish(article(OPEN, HIDDEN, title="New title", text="It harms.", embargo=embargo), name="open")
    pair.compare()
    pair.both(lambda one: retract(one, HIDDEN))
    pair.wait(hours=20)
    pair.compare()


def test_a_withdrawn_article_that_is_to_return_looks_withdrawn_until_then(pair: Pair) -> None:
    embargo = START + dt.timedelta(days=3)
    pair.both(lambda one: one.withdraw(OPEN))
    pair.both(Served.work)
    pair.compare()
    pair.hiding.publish(article(OPEN, HIDDEN, title="New title", embargo=embargo), name="open")
    pair.compare()
    pair.wait(hours=20)
    pair.hiding.withdraw(OPEN, "The return was called off.")
    pair.compare()
    pair.wait(days=4)
    pair.compare()
