"""What the judge of a format says of a rendition, on the article's page and in the API, and only if somebody looks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from console_person import Person
from served import Served, served

import pipeline.judging
from pipeline.judging import judges
from pipeline.judging.parts.judge import Judge, Reading
from pipeline.model.revision import Revision
from pipeline.model.site import Site
from pipeline.web import bounded
from pipeline.web.app import create_app

TEXT = "---\ntitle: Legs\nsummary: Rest.\n---\n\n## Rest\n\nRest.\n"
BROKEN = "# One\n\n[a](</x>)\x07\n\n# <b>\u202etwo</b>\n\n<script>alert(1)</script>\n"
ADDRESS = "/v1/articles/legs/renditions/{}/verdict"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    """A site with a live article, whose Markdown is broken and not rendered yet."""
    with served(tmp_path, formats=("html", "json-ld", "ninjs", "markdown")) as made:
        made.publish(TEXT, name="legs")
        made.work()

        def render(revision: Revision, about: Site) -> bytes:
            return BROKEN.encode()

        markdown = replace(made.context.formats["markdown"], render=render)
        made.context = replace(made.context, formats=made.context.formats | {"markdown": markdown})
        made.app = create_app(made.context, alive=list)
        yield made


def test_the_page_says_what_was_checked_of_the_format_that_it_shows(person: Person) -> None:
    person.get("/console/articles/legs?format=ninjs")
    assert "Its judge’s verdict: ● well: 8 rules checked" in " ".join(person.words.split())
    assert "associations (ninjs 3.1, associations)" in " ".join(person.words.split())
    assert "pictures" not in person.words, "a rule of pages"


def test_a_broken_rendition_is_said_to_be_broken_and_its_words_are_text(person: Person) -> None:
    person.get("/console/articles/legs?format=markdown")
    words = " ".join(person.words.split())
    assert "■ 4 of 5 rules broken" in words
    assert "title: 2 headings of the first level" in words
    assert "the element script" in words
    assert "\u202e" not in person.words and "\x07" not in person.words


def test_the_api_has_the_verdict_on_the_bytes_that_readers_get(site: Served) -> None:
    found = site.ask("GET", ADDRESS.format("html")).json
    (html,) = [one for one in site.ask("GET", "/v1/articles/legs").json["renditions"] if one["format"] == "html"]
    assert (found["article"], found["revision"], found["verdict"], found["broken"]) == ("legs", 1, "well", [])
    assert (found["digest"], found["bytes"]) == (html["digest"], html["bytes"])
    assert {"rule": "doctype", "source": "HTML, section 13.1.1"} in found["checked"]
    broken = site.ask("GET", ADDRESS.format("markdown")).json
    assert (broken["verdict"], broken["summary"]) == ("broken", "4 of 5 rules broken")
    assert {one["rule"] for one in broken["broken"]} == {"characters", "title", "links", "html"}
    kept = site.ask("GET", "/v1/articles/legs").json["renditions"]
    assert "markdown" in [one["format"] for one in kept], "what was rendered for it is kept"


@pytest.mark.parametrize(
    ("address", "who", "status", "code"),
    [
        ("/v1/articles/none/renditions/html/verdict", "root", 404, "unknown-article"),
        (ADDRESS.format("papyrus"), "root", 404, "unknown-format"),
        (ADDRESS.format("html"), "partner", 403, None),
        (ADDRESS.format("html"), "stranger", 401, None),
    ],
)
def test_what_has_no_verdict_for_somebody_is_refused(
    site: Served, address: str, who: str, status: int, code: str | None
) -> None:
    answer = site.ask("GET", address, who)
    assert answer.status == status
    assert code in (None, answer.code)


def test_what_readers_do_not_see_has_no_verdict(site: Served, person: Person) -> None:
    site.withdraw("legs")
    answer = site.ask("GET", ADDRESS.format("html"))
    assert (answer.status, answer.code) == (409, "not-live")
    site.work()
    person.get("/console/articles/legs")
    assert "verdict" not in person.words


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The formats of which something is judged from now on."""
    seen: list[str] = []

    def noting(judge: Judge[Any]) -> Judge[Any]:
        def reading(body: bytes) -> Any:
            seen.append(judge.name)
            return judge.reading.read(body)

        return replace(judge, reading=replace(judge.reading, read=reading))

    found = {name: noting(judge) for name, judge in judges().items()}
    monkeypatch.setattr(pipeline.judging, "judges", lambda: found)
    return seen


def test_only_what_is_looked_at_is_judged(site: Served, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = counted(monkeypatch)
    site.publish(TEXT.replace("Rest.", "Walk."), name="legs")
    site.work()
    for path in ("/console/articles", "/console/articles/legs/preview/html", "/console"):
        assert person.get(path).status == 200
    site.ask("GET", "/v1/articles/legs")
    assert seen == []
    person.get("/console/articles/legs")
    assert seen == ["html"]
    person.get("/console/articles/legs?format=json-ld")
    site.ask("GET", ADDRESS.format("ninjs"))
    assert seen == ["html", "json-ld", "ninjs"]


def test_judges_that_never_end_take_their_verdicts_along_and_nothing_else(
    site: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = threading.Event()
    before = set(threading.enumerate())

    def endless(_: bytes) -> str:
        let_go.wait()
        return "read"

    endless_judges = {name: Judge(name, Reading("read", "here", endless), ()) for name in ("html", "json-ld", "ninjs")}
    monkeypatch.setattr(pipeline.judging, "judges", lambda: endless_judges)
    monkeypatch.setattr(bounded, "_PATIENCE", 0.01)
    site.app = create_app(replace(site.context, policy=replace(site.context.policy, article_budget=1.0)), alive=list)
    person = Person(site.app)
    person.sign_in()
    try:
        assert person.get("/console/articles/legs").status == 200
        assert "not judged now: judging took longer than 1 seconds" in " ".join(person.words.split())
        assert person.page.find(".//iframe") is not None
        answer = site.ask("GET", ADDRESS.format("html"))
        assert (answer.status, answer.code) == (503, "over-budget")
        codes = [site.ask("GET", ADDRESS.format(name)).code for name in ("json-ld", "ninjs")]
        assert codes == ["over-budget", "rendering-busy"], "there are places for two"
        assert site.ask("GET", "/articles/legs").status == 200
        assert site.ask("GET", "/articles/legs.md").status == 200, "what is rendered on demand"
    finally:
        let_go.set()
        for thread in set(threading.enumerate()) - before:
            if thread.name == "bounded":
                thread.join(60)


def test_a_format_that_cannot_be_rendered_leaves_the_page_its_rest(site: Served) -> None:
    def render(revision: Revision, about: Site) -> bytes:
        raise ZeroDivisionError

    markdown = replace(site.context.formats["markdown"], render=render)
    context = replace(site.context, formats=site.context.formats | {"markdown": markdown})
    site.app = create_app(context, alive=list)
    person = Person(site.app)
    person.sign_in()
    assert person.get("/console/articles/legs?format=markdown").status == 200
    assert "it cannot be rendered, and the log says why (ZeroDivisionError)" in person.words


def test_a_format_without_a_judge_is_shown_as_not_judged(
    site: Served, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline.judging, "judges", dict[str, Judge[Any]])
    person.get("/console/articles/legs")
    assert "not judged: this format has no judge" in person.words
    assert "What was checked" not in person.words
    assert site.ask("GET", ADDRESS.format("html")).json["verdict"] == "not-judged"
