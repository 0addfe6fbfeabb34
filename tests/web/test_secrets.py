"""What is under an embargo answers exactly like what does not exist, at every address and for every stranger.

Two systems do the same, but one of them also has a secret. Every public address of both is asked, by strangers and by
partners with their tokens, and the answers are compared byte by byte (without `Date`).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from asgi import send
from bench import START, paper
from fastapi.routing import iter_route_contexts
from msgspec import structs
from served import Served, served

from pipeline.model.reference import Notice

SECRET, OPEN, RENAMED = "secret-recall", "open-article", "fatal-recall"
FORMATS = ("html", "ninjs", "json-ld", "atom")  # the page, what each partner takes, and one with a feed of its own
SHARED, HIDDEN, NEVER = "1", "2", "3"  # PMIDs: cited by the public article, by the secret one, by none
CALLERS = {
    "anyone": {},
    "a partner who pulls": {"authorization": "Bearer reader"},
    "a partner who is sent": {"authorization": "Bearer partner"},
}
# Other addresses look at no token, and /v1/ refuses every partner's alike.
TOKENS_MATTER = {"a partner who pulls": ("/partners/", "/v1/"), "a partner who is sent": ("/partners/",)}
OPERATORS = {"/metrics"}  # counts everything, and is kept from the public by the proxy (docs/operating/monitoring.md)
NOTHING = {"/console/{rest:path}"}  # no such page, whatever it is
# A partner changes its own channel there: what it is sent next is compared, and the answer has the operation's id.
OWN_ACTS = {f"/partners/{{channel}}/{act}" for act in ("pause", "resume", "replay", "test")}
_OF_DELIVERY = re.compile(rb"dlv_[0-9]+")  # counted here, random in earnest: another article before it says nothing

Answer = tuple[int, Mapping[str, str], bytes]
Request = tuple[str, str, str]  # method, address, caller


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
        self._expected: dict[Request, Answer] = {}  # what `plain` answers until something happens there

    def both(self, act: Callable[[Served], object]) -> None:
        self._expected.clear()
        for one in (self.hiding, self.plain):
            act(one)

    def wait(self, **time: float) -> None:
        self.both(lambda one: one.clock.pass_(dt.timedelta(**time).total_seconds()))

    def compare(self) -> None:
        """Ask both everything, before and after what is due is done."""
        asyncio.run(self._ask_both())
        plain_worked = self.plain.work()
        if plain_worked:
            self._expected.clear()
        if self.hiding.work() or plain_worked:
            asyncio.run(self._ask_both())

    async def _ask_both(self) -> None:
        for request in requests(self.hiding):
            if request not in self._expected:
                self._expected[request] = await ask(self.plain, request)
            assert await ask(self.hiding, request) == self._expected[request], " ".join(request)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with served(tmp_path / "hiding", formats=FORMATS) as hiding, served(tmp_path / "plain", formats=FORMATS) as plain:
        pair = Pair(hiding, plain)
        pair.both(lambda one: one.publish(article(OPEN, SHARED), name="open"))
        pair.both(Served.work)
        pair.wait(minutes=1)
        yield pair


async def ask(site: Served, request: Request) -> Answer:
    method, address, caller = request
    answer = await send(site.app, method, address, headers=CALLERS[caller])
    return (
        answer.status,
        {name: value for name, value in answer.headers.items() if name != "date"},
        _OF_DELIVERY.sub(b"dlv", answer.body),
    )


def requests(site: Served) -> list[Request]:
    return [
        (method, address, caller)
        for method, address in addresses(site)
        for caller in CALLERS
        if address.startswith(TOKENS_MATTER.get(caller, "/"))
    ]


def addresses(site: Served) -> list[tuple[str, str]]:
    """Every method and address that the app has a route for, with values that the secret could show at."""
    found = []
    for route in iter_route_contexts(site.app.routes):
        path, methods = getattr(route, "path", ""), getattr(route, "methods", None) or ()
        if path in OPERATORS | NOTHING | OWN_ACTS:
            continue
        for number, address in enumerate(filled(site, path)):
            # GET's own function answers HEAD, and OPTIONS looks at nothing: one address of each route is enough.
            asked = methods if number == 0 else set(methods) - {"HEAD", "OPTIONS"}
            found += [(method, address) for method in sorted(asked)]
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
        case "/articles/{name}.evidence.json", "name":
            return [RENAMED, OPEN, SECRET]
        case "/articles/{name}", "name":
            ids = [RENAMED, OPEN, SECRET]
            return [*ids, *(f"{id}.{extension}" for id in ids for extension in extensions)]
        case "/partners/{channel}/feed.{extension}", "extension":
            return ["atom", "html"]  # a format with feeds, and one without
        case "/feeds/{name}", "name":
            return [f"latest.{extension}" for extension in extensions]
        case "/feeds/{feed}/archive/{name}", "name":
            return ["1.atom"]
        case "/sitemaps/{name}", "name":
            return ["1.xml"]
        case "/console/static/{digest}/{name}", "name":
            return ["console.css"]
    return {
        "article_id": ids,
        "channel": ["reader", "partner"],
        "delivery_id": ["dlv_1"],
        "digest": ["0123456789ab"],
        "event_id": [site.event],
        "extension": extensions,
        "feed": ["latest"],
        "format": ["html", "ninjs"],
        "key": ["0123456789abcdef"],
        "operation": ["op_000001"],
        "operation_id": ["op_000001"],
        "passkey": ["0123456789"],
        "pmid": [SHARED, HIDDEN, NEVER],
        "revision": ["1", "2"],
        "session": ["0123456789"],
        "upload_id": ["upl_000001"],
    }[name]


def retract(site: Served, pmid: str) -> None:
    """Retract the paper at PubMed, and let the nightly check find it."""
    notice = Notice("retracted", "J Ex. 2026;1:1", "999")
    site.pubmed.papers[pmid] = structs.replace(paper(pmid), editorial=("retracted",), notices=(notice,))


def test_the_walk_would_notice_a_secret(pair: Pair) -> None:
    pair.hiding.publish(article(SECRET, HIDDEN), name="secret")
    with pytest.raises(AssertionError, match=f"{SECRET}|manifest"):
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


def test_an_embargoed_update_of_a_live_article_leaves_no_trace_nor_does_its_new_name(pair: Pair) -> None:
    embargo = START + dt.timedelta(days=3)
    pair.hiding.publish(article(OPEN, HIDDEN, title="New title", text="It harms.", embargo=embargo), name="open")
    pair.compare()
    pair.hiding.publish(article(RENAMED, HIDDEN, embargo=embargo), name="open")
    pair.compare()
    pair.both(lambda one: retract(one, HIDDEN))
    pair.wait(hours=20)
    pair.compare()
    pair.wait(days=3)
    pair.hiding.work()
    out = asyncio.run(ask(pair.hiding, ("GET", f"/articles/{RENAMED}", "anyone")))
    moved = asyncio.run(ask(pair.hiding, ("GET", f"/articles/{OPEN}.atom", "anyone")))
    assert (out[0], moved[0], moved[1]["location"]) == (200, 301, f"{RENAMED}.atom")


def test_a_withdrawn_article_that_is_to_return_looks_withdrawn_until_then(pair: Pair) -> None:
    embargo = START + dt.timedelta(days=3)
    pair.both(lambda one: one.withdraw(OPEN))
    pair.both(Served.work)
    pair.hiding.publish(article(RENAMED, HIDDEN, title="New title", embargo=embargo), name="open")
    pair.compare()
    pair.wait(hours=20)
    pair.hiding.withdraw(OPEN, "The return was called off.")
    pair.compare()
    pair.wait(days=4)
    pair.compare()
