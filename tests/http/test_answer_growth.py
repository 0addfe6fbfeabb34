"""What strangers answer and send, other than articles, costs in proportion to its size."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import json

import pytest
from growing import growth

from pipeline.channels.amp_cache.page import modified, parsed, plain_text
from pipeline.errors import CitewireError, InvalidEvent
from pipeline.http import EgressGuard, Http
from pipeline.http.response import Response
from pipeline.references.json_answers import decoded
from pipeline.references.sources.crossref import read_work
from pipeline.references.sources.europe_pmc import read_result
from pipeline.stages.context import HubPlan
from pipeline.web.problems import Problem
from pipeline.web.public.hub import _form
from pipeline.web.v1.cloudevents import read_events

NOW = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


def filled(unit: str, size: int) -> str:
    return unit * (size // len(unit.encode()))


@pytest.mark.parametrize(
    "unit", [" ", "<br> ", "<p>a", "<div>", "<b>x</b>", "<a href=https://a.example/>a</a>", "\xa0"]
)
def test_the_copy_of_a_cache(unit: str) -> None:
    def look(size: int) -> None:
        page = parsed(f"<p>a{filled(unit, size)}b".encode())
        plain_text(page), modified(page)

    assert growth(look) is None


@pytest.mark.parametrize("unit", ["<", "<a ", "9", "Mon, ", "(", "\n", " ", "2026-"])
def test_the_status_and_headers_of_an_answer(unit: str) -> None:
    def look(size: int) -> None:
        text = filled(unit, size)
        answer = Response(503, {"retry-after": text, "date": text}, text.encode())
        answer.clock_difference(NOW)
        with contextlib.suppress(CitewireError):
            answer.raise_for_delivery(NOW)

    assert growth(look) is None


@pytest.mark.parametrize("unit", ["<i>", "&lt;", " ", "a ", "<"])
def test_the_record_of_a_source(unit: str) -> None:
    def look(size: int) -> None:
        text = filled(unit, size)
        body = json.dumps({"title": [text], "page": text, "author": [{"family": text}], "type": text, "DOI": text})
        answer = decoded(body.encode())
        assert answer is not None
        read_work(answer)
        read_result({**answer, "title": text, "pageInfo": text, "authorString": text})

    assert growth(look) is None


@pytest.mark.parametrize("unit", ["&", "hub.x=1&", "a=b&", "%41", "%", "+", "hub.mode=subscribe&", "["])
def test_the_form_of_a_subscriber(unit: str) -> None:
    plan = HubPlan(address="https://a.example/hub", http=Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")])))

    def look(size: int) -> None:
        for form in (filled(unit, size), f"hub.mode=subscribe&hub.topic=x&hub.callback=https://a/{filled(unit, size)}"):
            with contextlib.suppress(Problem):
                _form(form, plan)

    assert growth(look) is None


@pytest.mark.parametrize("unit", ['{"a":', "[", '"\\u0001', "9", "{},", " "])
@pytest.mark.parametrize("kind", ["json", "batch+json"])
def test_the_events_of_a_publisher(kind: str, unit: str) -> None:
    headers = {"content-type": f"application/cloudevents{'-' if kind.startswith('b') else '+'}{kind}"}
    event = {"specversion": "1.0", "type": "org.citewire.article.withdrawn", "source": "a", "id": "1", "subject": "a"}

    def look(size: int) -> None:
        text = filled(unit, size)
        for body in (
            text,
            "[" + text,
            json.dumps(event | {"data": {"reason": text}}),
            json.dumps(event | {"id": text}),
        ):
            with contextlib.suppress(InvalidEvent):
                read_events(headers, body.encode())

    assert growth(look) is None
