"""Plain text and Markdown as they are written, and what their judges refuse."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from articles import SAMPLE, SITE, WITHDRAWAL, revision_of
from judges.markdown import markdown_findings, markdown_html
from judges.plain_text import plain_text_findings

from pipeline.model.article import Article, BulletList, Code, LineBreak, ListItem, Paragraph, Text
from pipeline.renditions import formats

NAMES = ("markdown", "plain-text")


@pytest.mark.parametrize("name", NAMES)
def test_the_sample_is_written_as_before(name: str, golden: Callable[[str, bytes], None]) -> None:
    form = formats()[name]
    golden(f"{name}.{form.extension}", form.render(SAMPLE, SITE))
    golden(f"{name}-tombstone.{form.extension}", form.tombstone(WITHDRAWAL, SITE))


@pytest.mark.parametrize(
    "text",
    ["# not a heading", "1. not a list", "- nor this", "a\n===", "[x](y)", "<b>", "*a*", "a | b", "~~a~~", ": a"],
)
def test_what_looks_like_markdown_is_text(text: str) -> None:
    article = Article(id="a", title="T", answer=text, lead=(BulletList((ListItem((Paragraph((Text(text),)),)),)),))
    html = markdown_html(formats()["markdown"].render(revision_of(article), SITE))
    escaped = " ".join(text.split()).replace("<", "&lt;").replace(">", "&gt;")
    assert f"<p>{escaped}</p>" in html
    assert f"<li>{escaped}</li>" in html


def test_markdown_in_html_within_markdown_is_text() -> None:
    article = Article(id="a", title="T", answer="A", lead=(Paragraph((Text("a"), LineBreak(), Code("*b* `c`"))),))
    html = markdown_html(formats()["markdown"].render(revision_of(article), SITE))
    assert "<p>a<br><code>*b* `c`</code></p>" in html


@pytest.mark.parametrize("body", [b"T\n==\n\na\x00\n", b"\xff\n", b"T\n==\n\na", b"T\n\na\n", b"\xef\xbb\xbfT\n=\n"])
def test_the_judge_refuses_what_is_no_plain_text(body: bytes) -> None:
    assert plain_text_findings(body)


@pytest.mark.parametrize(
    "body", [b"a\n", b"# a\n\n# b\n", b"# a\n\n<script>x</script>\n", b"# a\n\n<a href='x:y'>\n\n", b"# a"]
)
def test_the_judge_refuses_what_is_no_markdown_of_ours(body: bytes) -> None:
    assert markdown_findings(body)
