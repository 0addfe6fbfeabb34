"""The judges that operators see: they find nothing in what we write, and each of their rules finds its fault."""

from __future__ import annotations

import json
import pkgutil
import sys
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from articles import FEED, GONE, HOSTILE, SAMPLE, SITE, WITHDRAWAL, revision_of, revisions
from broken import BROKEN, Broken
from documents import DOCS, block
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from published import EVERY, OURS

import pipeline.judging
from pipeline.judging import judges, verdict_on
from pipeline.judging.parts.judge import LONGEST, MOST, BrokenRule, Judge, Reading, Rule, Verdict
from pipeline.model.article import Article
from pipeline.model.rendition import SUBSCRIPTION, Page, Rendition
from pipeline.model.revision import Revision
from pipeline.renditions import formats
from pipeline.views.judged import judged

FORMATS = list(formats())
FEEDS = [name for name, form in formats().items() if form.page]
CASES = [pytest.param(name, one, id=f"{name}-{n}-{one.rule}") for name in BROKEN for n, one in enumerate(BROKEN[name])]
PROFILES = ("msn", "smartnews", "flipboard")
SOME = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


def verdict(name: str, body: bytes) -> Verdict:
    found = verdict_on(name, body)
    assert found is not None
    return found


def sample(name: str, of: str = "sample") -> bytes:
    form = formats()[name]
    return form.render(SAMPLE, SITE) if of == "sample" else form.tombstone(WITHDRAWAL, SITE)


def test_the_folder_has_a_judge_for_each_of_our_formats_and_nothing_else() -> None:
    modules = {one.name for one in pkgutil.iter_modules(pipeline.judging.__path__)} - {"parts"}
    assert modules == {name.replace("-", "_") for name in FORMATS}
    assert [judge.name for judge in judges().values()] == FORMATS


# --- in what we write they find nothing -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("revision", EVERY, indirect=True)
def test_no_rule_is_broken_by_an_article(name: str, revision: Revision) -> None:
    assert verdict(name, formats()[name].render(revision, SITE)).broken == ()


@pytest.mark.parametrize("name", FORMATS)
@SOME
@given(revision=revisions())
def test_no_rule_is_broken_by_a_hostile_article(name: str, revision: Revision) -> None:
    assert verdict(name, formats()[name].render(revision, SITE)).broken == ()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_no_rule_is_broken_by_a_tombstone(name: str, language: str) -> None:
    for words in (WITHDRAWAL.reason, *HOSTILE):
        withdrawal = replace(WITHDRAWAL, title=words, reason=words, language=language)
        assert verdict(name, formats()[name].tombstone(withdrawal, SITE)).broken == ()


@pytest.mark.parametrize("name", FEEDS)
@pytest.mark.parametrize("change", [{}, {"content": "summary"}, *({"profile": one} for one in PROFILES)], ids=str)
def test_no_rule_is_broken_by_a_page_of_a_feed(name: str, change: dict[str, Any]) -> None:
    write, feed = formats()[name].page, replace(FEED, **change)
    assert write
    for page in (SUBSCRIPTION, Page(3, 2)):
        for entries in ([SAMPLE, OURS["hostile"], GONE], [GONE], []):
            assert verdict(name, write(feed, entries, SITE, page)).broken == ()


# --- each rule finds its fault --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "one"), CASES)
def test_a_broken_rendition_breaks_the_rule(name: str, one: Broken) -> None:
    body = sample(name, one.of)
    changed = one.change(body)
    assert changed != body
    assert verdict(name, body).broken == ()
    assert one.rule in {broken.rule for broken in verdict(name, changed).broken}


@pytest.mark.parametrize("name", FORMATS)
def test_every_rule_has_been_broken_and_says_where_it_is_written(name: str) -> None:
    checked = verdict(name, sample(name)).checked
    assert {one.rule for one in checked} == {one.rule for one in BROKEN[name]}
    assert len({one.rule for one in checked}) == len(checked)
    assert all(len(one.source) > 5 for one in checked)


def test_what_cannot_be_read_is_compared_with_no_other_rule() -> None:
    found = verdict("atom", b"<feed")
    assert [one.rule for one in found.checked] == [one.rule for one in found.broken] == ["well-formed"]


def test_an_article_whose_id_is_longer_than_apple_takes_is_found() -> None:
    long = revision_of(Article(id="a" * 65, title="Long", answer="Yes."))
    (broken,) = verdict("apple-news", formats()["apple-news"].render(long, SITE)).broken
    assert broken.rule == "identifier"


# --- whatever the bytes are -----------------------------------------------------------------------------------------

_names = st.sampled_from((
    "items", "id", "content_html", "components", "role", "text", "html", "format", "identifier", "layout", "metadata",
    "keywords", "associations", "renditions", "uri", "bodies", "contentType", "value", "@type", "@id", "@context",
    "authors", "attachments", "componentLayouts", "textStyle", "datePublished", "pubStatus", "URL", "version",
))  # fmt: skip
_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["html", "<a href='#x'>", "\ud800"])
)
_json = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=5), max_leaves=20
)


@pytest.mark.parametrize("name", FORMATS)
@SOME
@given(body=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_have_a_verdict(name: str, body: bytes) -> None:
    verdict(name, body)


@pytest.mark.parametrize("name", FORMATS)
@SOME
@given(start=st.integers(0, 40_000), length=st.integers(1, 2_000), other=st.binary(max_size=8))
def test_a_damaged_rendition_has_a_verdict(name: str, start: int, length: int, other: bytes) -> None:
    body = sample(name)
    start %= len(body)
    verdict(name, body[:start] + other + body[start + length :])


@pytest.mark.parametrize("name", ["json-feed", "ninjs", "apple-news", "json-ld"])
@SOME
@given(document=st.dictionaries(_names, _json, max_size=8))
def test_json_of_any_shape_has_a_verdict(name: str, document: Any) -> None:
    verdict(name, json.dumps(document).encode())


@pytest.mark.parametrize("name", ["json-feed", "ninjs", "apple-news", "json-ld"])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_json_that_can_just_be_read_has_a_verdict(name: str, opening: str, closing: str) -> None:
    """What quotes a value, or compares it, may have less room for recursion left than what read it."""

    def unread(depth: int) -> bool:
        deep = f"{opening * depth}1{closing * depth}"
        members = ", ".join(f'"{one}": {deep}' for one in ("version", "@id", "identifier", "uri", "datePublished"))
        things = f'[{{"id": {deep}}}, {{"id": {deep}}}]'
        found = verdict(name, f'{{{members}, "items": {things}, "components": {things}}}'.encode())
        return [one.rule for one in found.checked] == ["json"]

    depths = range(100_000)
    too_deep = bisect_left(depths, True, key=unread)
    assert 100 < too_deep < len(depths)
    near = [unread(depth) for depth in range(too_deep - 20, too_deep + 20)]
    assert (near[0], near[-1]) == (False, True)


def _yes(_: bytes) -> str:
    return "read"


def test_a_verdict_is_short_and_does_nothing_to_a_terminal() -> None:
    def breaches(_: str) -> Iterator[str]:
        yield from ("\x1b[2J\u202e" + "x" * 1_000 for _ in range(1_000))

    judge = Judge("any", Reading("read", "here", _yes), (Rule("never", "there", breaches),))
    found = judge.verdict(b"").broken
    assert len(found) == MOST + 1
    assert all(one.detail.isprintable() and len(one.detail) <= LONGEST for one in found)
    assert found[-1] == BrokenRule("never", "and more of the kind")


# --- formats of packages --------------------------------------------------------------------------------------------


def test_the_example_in_the_document_is_a_judge(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "gemtext_judge.py").write_text(block(DOCS / "add-a-format.md", "python", "gemtext_judge.py"))
    monkeypatch.syspath_prepend(tmp_path)
    import gemtext_judge

    monkeypatch.delitem(sys.modules, "gemtext_judge")
    good, bad = "# Legs\n\nStretch.\n\n=> https://x.example/ The article\n", "Legs\n\n=> legs The article\n"
    assert gemtext_judge.JUDGE.verdict(good.encode()).broken == ()
    assert {one.rule for one in gemtext_judge.JUDGE.verdict(bad.encode()).broken} == {"title", "links"}


def test_a_format_without_a_judge_is_said_to_have_none() -> None:
    found = judged("legs", 3, Rendition("gemtext", "text/gemini", b"# Legs\n"))
    assert (found.verdict, found.checked, found.broken) == ("not-judged", (), ())
    assert found.summary == "not judged: this format has no judge"


def test_a_judge_that_fails_has_judged_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaches(_: str) -> Iterator[str]:
        raise ZeroDivisionError

    judge = Judge("gemtext", Reading("read", "here", _yes), (Rule("never", "there", breaches),))
    monkeypatch.setattr(pipeline.judging, "judges", lambda: {"gemtext": judge})
    found = judged("legs", 3, Rendition("gemtext", "text/gemini", b"# Legs\n"))
    assert (found.verdict, found.checked, found.broken) == ("not-judged", (), ())
    assert "its judge failed" in found.summary and "ZeroDivisionError" in found.summary


def test_a_verdict_says_how_many_rules_it_rests_on() -> None:
    body = sample("plain-text")
    assert judged("legs", 1, Rendition("plain-text", "text/plain", body)).summary == "well: 4 rules checked"
    found = judged("legs", 1, Rendition("plain-text", "text/plain", body + b"\n\x07\x07"))
    assert (found.verdict, found.summary) == ("broken", "2 of 4 rules broken")
