"""What a request has rendered for the first time ends in time, or costs nobody else a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from asgi import Answer, send
from console_person import Person
from served import Served, served
from waiting import until

from pipeline.model.revision import Revision
from pipeline.model.site import Site
from pipeline.web import bounded
from pipeline.web.app import create_app

TEXT = "---\ntitle: {name}\nsummary: Rest.\n---\n\n## Rest\n\nRest.\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A site with a format that nothing wants and that never ends for articles whose name begins with `endless`."""
    monkeypatch.setattr(bounded, "_PATIENCE", 0.01)
    let_go = threading.Event()
    before = set(threading.enumerate())
    with served(tmp_path, formats=("html", "json-ld", "ninjs", "markdown")) as made:
        unwanted = made.context.formats["markdown"]

        def render(revision: Revision, about: Site) -> bytes:
            if revision.article.id.startswith("endless"):
                let_go.wait()
            return unwanted.render(revision, about)

        for name in ("ordinary", *(f"endless-{number}" for number in range(bounded.AT_A_TIME + 1))):
            made.publish(TEXT.format(name=name), name=name)
        made.work()
        made.context = replace(
            made.context,
            formats=made.context.formats | {"markdown": replace(unwanted, render=render)},
            policy=replace(made.context.policy, article_budget=0.2),
        )
        made.app = create_app(made.context, alive=list)
        yield made
        let_go.set()
        for thread in set(threading.enumerate()) - before:
            if thread.name == "bounded":
                thread.join(60)


def get(site: Served, path: str) -> Answer:
    return asyncio.run(send(site.app, "GET", path))


def test_a_format_that_never_ends_is_answered_in_time_and_not_begun_again(site: Served) -> None:
    for _ in range(bounded.AT_A_TIME + 1):
        answer = get(site, "/articles/endless-0.md")
        assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "over-budget", "60")
    assert sum(thread.name == "bounded" for thread in threading.enumerate()) == 1


def test_formats_that_never_end_take_only_so_many_threads_and_no_page_that_is_rendered(site: Served) -> None:
    codes = [get(site, f"/articles/endless-{number}.md").code for number in range(bounded.AT_A_TIME + 1)]
    assert codes == ["over-budget"] * bounded.AT_A_TIME + ["rendering-busy"]
    assert get(site, "/articles/ordinary.md").code == "rendering-busy"
    assert get(site, "/articles/ordinary").status == get(site, "/articles/endless-0").status == 200


def test_what_was_rendered_before_waits_for_nothing_that_is_being_rendered(site: Served) -> None:
    site.withdraw("ordinary")
    site.work()
    gone = get(site, "/articles/ordinary")
    person = Person(site.app)
    person.sign_in()
    for number in range(bounded.AT_A_TIME):
        assert get(site, f"/articles/endless-{number}.md").code == "over-budget"
    assert (gone.status, get(site, "/articles/ordinary").body) == (410, gone.body)
    assert person.get("/console/articles/endless-0/preview/html").status == 200


def test_a_preview_has_no_more_time_than_a_page(site: Served) -> None:
    person = Person(site.app)
    person.sign_in()
    shown = person.get("/console/articles/endless-0/preview/markdown")
    assert shown.status == 503 and "over-budget" in person.words


def test_what_ends_is_answered_and_kept(site: Served) -> None:
    patient = replace(site.context, policy=replace(site.context.policy, article_budget=600.0))
    site.app = create_app(patient, alive=list)
    first = get(site, "/articles/ordinary.md")
    assert first.status == 200 and get(site, "/articles/ordinary.md").body == first.body
    until(lambda: all(thread.name != "bounded" for thread in threading.enumerate()))
