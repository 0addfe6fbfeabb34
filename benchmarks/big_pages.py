"""Every page of the console and the site and list of the API, with filters and the last page, in a filled ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import get_args
from urllib.parse import urlencode

from benchmarks.big_ledger import Size, article_id, delivery_id
from pipeline.ledger.evidence.listing import Standing

SETTINGS = """
[site]
title = "Notes"
url = "https://notes.example.org"
publisher = "Example Health"
disclaimer = "Ask your doctor."

[[feeds]]
id = "latest"
title = "Notes: latest"
"""
_WEBHOOK = """
[[channels]]
id = "{id}"
type = "webhook"
format = "ninjs"
url = "https://{id}.example.org/in"
secret = "env:PARTNER_SECRET"
"""
_PULL = """
[[channels]]
id = "{id}"
type = "pull"
format = "ninjs"
"""
OUTCOMES = ("delivered", "pending", "sending", "abandoned")


def settings(size: Size) -> str:
    """Return the settings of a site with these channels, of which the last is pulled."""
    *webhooks, pulled = size.channels
    return SETTINGS + "".join(_WEBHOOK.format(id=one) for one in webhooks) + _PULL.format(id=pulled)


def pages(size: Size, now: dt.datetime) -> dict[str, str]:
    """Return the addresses, each with the route that answers it, as `pipeline.web.needed` names it."""
    return dict(_pages(size, now))


def public_pages(size: Size) -> list[str]:
    """Return the addresses of the site's own pages, for anyone."""
    middle = urlencode({"after": f"2024-01-01T00:00:00+00:00~{article_id(size.articles // 2)}"})
    return ["/", "/articles", f"/articles?{middle}", "/articles?topic=topic-7", f"/articles?topic=topic-7&{middle}"]


def _pages(size: Size, now: dt.datetime) -> Iterator[tuple[str, str]]:
    article = article_id(size.articles // 2)
    first = article_id(1)  # withdrawn
    channel, pulled = size.channels[0], size.channels[-1]
    delivery = delivery_id(size.articles // 2, 0)
    oldest = dt.datetime(2000, 1, 1, tzinfo=dt.UTC).isoformat()

    yield _console("")
    yield _console("/now")
    for query in (
        {}, {"state": "live"}, {"state": "withdrawn"}, {"state": "scheduled"}, {"channel": channel},
        {"channel": "nobody"}, {"evidence": "any"}, {"evidence": "concern"}, {"trouble": "1"},
        {"trouble": "1", "channel": pulled, "state": "live"}, {"q": "pain"}, {"q": "nowhere to be found"},
        {"q": "12"}, {"q": "10.1000/12"}, {"q": "10.2000/11"}, {"q": delivery}, {"q": "evt_0000012"}, {"q": article},
        {"after": f"{oldest}~{first}"}, {"after": f"{oldest}~{first}", "state": "live", "q": "pain"},
    ):  # fmt: skip
        yield _console("/articles", **query)
    for one in (article, first):
        yield _console(f"/articles/{one}", "/articles/{article_id}")
        yield _console(f"/articles/{one}/revisions/1", "/articles/{article_id}/revisions/{revision}")
    yield _console(f"/articles/{article}/withdraw", "/articles/{article_id}/withdraw")
    yield _console(f"/articles/{article}/shown", "/articles/{article_id}/shown", at=now.isoformat(), channel=channel)
    for one in (channel, pulled):
        yield _console(f"/channels/{one}/replay", "/channels/{channel}/replay", since=oldest)
    yield _console("/calendar")
    yield _console("/calendar", day=str((now + dt.timedelta(days=300)).date()))
    yield _console("/channels")
    for one in (channel, pulled):
        yield _console(f"/channels/{one}", "/channels/{channel}")
        yield _console(f"/channels/{one}", "/channels/{channel}", after=article_id(size.articles - 200))
    yield _console(f"/deliveries/{delivery}", "/deliveries/{delivery_id}")
    yield _console("/failures")
    yield _console("/failures", channel=channel)
    yield _console("/operations")
    yield _console("/operations/op_0000001", "/operations/{operation}")
    yield _console("/operations/op_0000001", "/operations/{operation}", outcome="refused")
    yield _console("/operations/op_0000002", "/operations/{operation}")
    yield _console("/operations/op_again", "/operations/{operation}")
    yield from _papers()
    yield _console("/publish")
    yield _console("/sessions")
    yield _console("/passkeys")

    last = article_id(size.articles - 10)
    for query in (
        {}, {"state": "live"}, {"state": "withdrawn"}, {"state": "scheduled"}, {"topic": "topic-7"},
        {"topic": "none"}, {"channel": channel}, {"query": "pain"}, {"query": "nowhere"}, {"held": "true"},
        {"topic": "topic-7", "channel": channel, "state": "live", "query": "pain"}, {"after": last},
        {"after": last, "topic": "topic-7"}, {"limit": "1000"},
    ):  # fmt: skip
        yield _api("/articles", **query)
    for one in (article, first):
        yield _api(f"/articles/{one}", "/articles/{article_id}")
        yield _api(f"/articles/{one}/revisions/1", "/articles/{article_id}/revisions/{revision}")
    yield _api(f"/articles/{article}/history", "/articles/{article_id}/history")
    yield _api(f"/articles/{article}/shown", "/articles/{article_id}/shown", at=now.isoformat(), channel=channel)
    yield _api("/attention")
    yield _api("/calendar")
    yield _api("/channels")
    for one in (channel, pulled):
        yield _api(f"/channels/{one}", "/channels/{channel}")
    late = delivery_id(size.articles - 10, 0)
    for query in (
        {}, *({"state": one} for one in OUTCOMES), {"channel": channel}, {"channel": channel, "state": "abandoned"},
        {"channel": channel, "state": "pending"}, {"channel": channel, "state": "sending"}, {"after": late},
        {"after": late, "state": "abandoned"}, {"after": late, "channel": channel, "state": "delivered"},
        {"limit": "1000"}, {"channel": "nobody"},
    ):  # fmt: skip
        yield _api("/deliveries", **query)
    yield _api(f"/deliveries/{delivery}", "/deliveries/{delivery_id}")
    yield _api("/events/evt_0000012", "/events/{event_id}")
    yield _api("/failures")
    yield _api("/now")
    yield _api("/operations")
    yield _api("/operations", limit="100")
    yield _api("/operations/op_0000002", "/operations/{operation_id}")
    yield _api("/recalls/105", "/recalls/{pmid}")


def _papers() -> Iterator[tuple[str, str]]:
    for query in (
        {}, {"after": "200"}, *({"standing": one} for one in get_args(Standing)),
        {"standing": "retracted", "after": "200"}, {"standing": "mismatched", "after": "200"},
        {"after": "doi:10.2000/3"}, {"standing": "not-found", "after": "doi:10.2000/3"},
        {"standing": "pending", "after": "doi:10.2000/3"},
    ):  # fmt: skip
        yield _console("/references", **query)
        yield _api("/references", **query)
    for one in ("7", "105"):
        yield _console(f"/references/{one}", "/references/{pmid}")
        yield _api(f"/references/{one}", "/references/{pmid}")
    yield _console("/feeds")
    yield _console("/feeds/latest", "/feeds/{feed}")
    yield _api("/feeds")
    yield _api("/feeds/latest", "/feeds/{feed}", after="sub_1")
    yield _console("/references/105/recall", "/references/{pmid}/recall")


def _console(path: str, route: str = "", **query: str) -> tuple[str, str]:
    return _asked(f"/console{path}", query), f"GET /console{route or path}"


def _api(path: str, route: str = "", **query: str) -> tuple[str, str]:
    return _asked(f"/v1{path}", query), f"GET /v1{route or path}"


def without_a_page(route: str) -> bool:
    """Return whether a route is no list or page: what follows an action, a stream, a rendition."""
    return route in {
        "GET /console/changes",
        "GET /console/bulk/{operation}",
        "GET /console/publish/{upload_id}",
        "GET /console/articles/{article_id}/preview/{format}",
        "GET /v1/articles/{article_id}/renditions/{format}/verdict",
        "GET /v1/bulk/{operation_id}",
    }


def _asked(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
