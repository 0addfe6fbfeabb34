"""Rendering costs in proportion to the article, in every format, whatever it is made of."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from articles import PUBLISHED, SAMPLE, SITE, revision_of, text
from growing import growth
from msgspec.structs import replace

from pipeline.channels.email import CHANNEL as EMAIL
from pipeline.channels.email.mail import Letterhead, mail
from pipeline.model.article import Block, BulletList, Link, ListItem, Paragraph, Preformatted, Section, Strong, Text
from pipeline.model.delivery import Parcel
from pipeline.model.rendition import Rendition
from pipeline.renditions import formats

MADE: dict[str, Callable[[int], tuple[Block, ...]]] = {
    "one long paragraph": lambda size: (text("when to go ] & < \\ * _ " * (size // 23)),),
    "many paragraphs": lambda size: tuple(text("a b") for _ in range(size // 20)),
    "links in a paragraph": lambda size: (
        Paragraph(tuple(Link("https://a.example/", (Text("x"),)) for _ in range(size // 30))),
    ),
    "marks in a paragraph": lambda size: (Paragraph(tuple(Strong((Text("x "),)) for _ in range(size // 20))),),
    "a list": lambda size: (BulletList(tuple(ListItem((text("x"),)) for _ in range(size // 20))),),
    "escapes in a paragraph": lambda size: (text("a&\xa0" * (size // 4)),),
    "spaces in code": lambda size: (Preformatted(" " * size + "x"),),
}


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("name", sorted(formats()))
def test_a_rendition_costs_in_proportion_to_the_article(name: str, made: str) -> None:
    render, blocks = formats()[name].render, MADE[made]
    assert (
        growth(lambda size: render(revision_of(replace(SAMPLE.article, lead=blocks(size), sections=())), SITE)) is None
    )


@pytest.mark.parametrize("made", MADE)
def test_a_mail_costs_in_proportion_to_the_article(made: str) -> None:
    letterhead = Letterhead(sender="news@notes.example.org")

    def send(size: int) -> None:
        revision = revision_of(replace(SAMPLE.article, lead=MADE[made](size), sections=()))
        of = {name: Rendition(name, "text/plain", formats()[name].render(revision, SITE)) for name in EMAIL.also}
        page = Rendition("html", "text/html", formats()["html"].render(revision, SITE))
        parcel = Parcel("m-1", "a", "T", 1, "published", page, "html", PUBLISHED, also=of)
        mail([parcel], letterhead).to("desk@partner.example.org")

    assert growth(send) is None


@pytest.mark.parametrize("name", sorted(formats()))
def test_many_sections_cost_in_proportion(name: str) -> None:
    def render(size: int) -> object:
        sections = tuple(Section(f"On {n}", f"on-{n}", (text("x"),)) for n in range(size // 40))
        return formats()[name].render(revision_of(replace(SAMPLE.article, sections=sections)), SITE)

    assert growth(render) is None
