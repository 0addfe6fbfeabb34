"""No form of an article says another dose, order or negation than its author wrote.

The articles in `meaning/` are small inputs that once went wrong; the property covers the unforeseen ones.
`MEANING_EXAMPLES=10000` makes the property's search longer.
"""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import msgspec
import pytest
from articles import FEED, PUBLISHED, SITE, revision_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judges.markdown import markdown_html
from lxml import etree

from pipeline.channels.email import CHANNEL as EMAIL
from pipeline.channels.email.mail import Letterhead, mail
from pipeline.flattening import blocks_text, inlines_text, line_of
from pipeline.intake import read_article
from pipeline.model.article import (
    Abbreviation,
    Article,
    Block,
    BulletList,
    Cell,
    Definition,
    DefinitionList,
    Deleted,
    Image,
    Inline,
    LineBreak,
    ListItem,
    Note,
    NumberedList,
    Paragraph,
    Quotation,
    Section,
    Strong,
    Subscript,
    Superscript,
    Table,
    Text,
)
from pipeline.model.delivery import Parcel
from pipeline.model.rendition import Rendition
from pipeline.renditions import formats

CASES = Path(__file__).parent / "meaning"
EXAMPLES = int(os.environ.get("MEANING_EXAMPLES", "100"))

NEVER = {  # what no reader may read in any form
    "b04-first-paragraph-twice.md": (),
    "b08-image-in-cell.html": (),
    "deleted-dose.html": ("500 mg", "10 mL", "20 drops"),
    "deleted-dose.md": ("500 mg",),
    "gfm.md": (),
    "headline-superscript.html": ("109/L", "Dose 103"),
    "marks.md": ("106 IU", "Do not", "10 mg 1 mg", "two one", "x2.", "1/2 tablet1"),
    "powers.html": ("109/L", "10-3", "106 cells", "150a"),
    "powers.md": ("109/L",),
    "superscripts.md": ("106 units", "109/L", "CO2", "23 is", "51/2", "103 units"),
}
ALWAYS = {  # what every reader must read, by the line
    "b04-first-paragraph-twice.md": ("Never stop baclofen at once.", "Second paragraph."),
    "b08-image-in-cell.html": ("Rash: Measles; Picture: [Image: Measles rash]", "https://x.example/pox.gif"),
    "deleted-dose.html": ("Give 50 mg twice a day.", "Give 1 mL of syrup.", "Give 2 drops."),
    "deleted-dose.md": ("Give 50 mg twice a day.",),
    "gfm.md": ("- [x] done", "- [ ] open", "Term: Definition", "food.ᵃ", "a. Not with milk.", "a: 1; b: 2", "A tip."),
    "headline-superscript.html": ("under 50 × 10⁹/L, not at 100 × 10⁹/L", "Dose 10³"),
    "marks.md": (
        "2 × 10⁶ IU", "Do stop; dose was 1 mg. Take one.", "“stop”", "NPO (nothing by mouth)", "3. third", "7. seventh",
        "a. letter a", "b. letter b", "Adults: 10 mg", "Children: 1 mg", "- [ ] not done", "- [x] done",
        "Age: Child; Dose, Morning: 1 mg; Dose, Evening: –", "Age: Child; Dose, Morning: –; Dose, Evening: 2 mg",
        "Take one tablet at 8 and one at 20 o'clock", "A line\nbreak and x₂. ½ tablet. 5 ½ tablets.", "Hidden text",
    ),
    "powers.html": ("below 20 × 10⁹/L", "10⁻³ of normal", "Counts (10⁹/L)", "Age: 1; 10⁹/L: 150ᵃ", "10⁶ cells"),
    "powers.md": ("below 20 × 10⁹/L",),
    "superscripts.md": (
        "10⁶ units", "2³ is 8", "take 5½ tablets", "1. First", "2. Then", "   1. Pinch", "   2. Insert",
        "Weight: 10 kg; Dose: 10³ units",
    ),
}  # fmt: skip


def case(name: str) -> Article:
    return read_article((CASES / name).read_bytes(), name=name)


# --- what a reader of each form reads ------------------------------------------------------------------------------


def read_html(text: str) -> str:
    """As a browser shows it, raised and lowered text as `^(…)` and `_(…)`."""
    text = re.sub(r"(?s)<(script|style|del)\b.*?</\1>", "", text)
    text = re.sub(r"<(sup|sub)\b[^>]*>(.*?)</\1>", lambda m: f"{'^' if m[1] == 'sup' else '_'}({m[2]})", text)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield read_html(value) if re.search("<[a-z]+", value) else value
        case dict():
            for each in value.values():
                yield from strings(each)
        case list():
            for each in value:
                yield from strings(each)


def read(body: bytes, media_type: str) -> list[str]:
    """Each text that the document holds, by itself."""
    if media_type.endswith("json"):
        return list(strings(json.loads(body)))
    if media_type.endswith("xml"):
        return [text for node in etree.fromstring(body).iter() for text in strings(node.text or "")]
    whole = body.decode()
    if media_type == "text/markdown":
        return [read_html(markdown_html(body))]
    if media_type != "text/html":
        return [whole]
    metas = [html.unescape(found) for found in re.findall(r'content="([^"]*)"', whole)]
    return [
        read_html(whole),
        *metas,
        *strings([json.loads(one) for one in re.findall(r"(?s)json\">(.*?)</script>", whole)]),
    ]


def renditions(article: Article) -> dict[str, list[str]]:
    revision = revision_of(article)
    out = {name: read(form.render(revision, SITE), form.media_type) for name, form in formats().items()}
    out |= {
        f"{name} feed": read(form.document(FEED, [revision], SITE), form.media_type)
        for name, form in formats().items()
        if form.document
    }
    return out


@pytest.mark.parametrize("name", NEVER)
def test_no_form_says_what_its_author_did_not(name: str) -> None:
    for form, texts in renditions(case(name)).items():
        assert [(form, each, text) for each in NEVER[name] for text in texts if each in text] == []


@pytest.mark.parametrize("name", ALWAYS)
def test_the_plain_forms_say_what_its_author_did(name: str) -> None:
    revision = revision_of(case(name))
    ninjs = json.loads(formats()["ninjs"].render(revision, SITE))
    for text in (formats()["plain-text"].render(revision, SITE).decode(), ninjs["bodies"][1]["value"]):
        assert [each for each in ALWAYS[name] if each not in text] == []


def test_every_case_is_read() -> None:
    assert {file.name for file in CASES.iterdir()} == set(NEVER) == set(ALWAYS)


def test_a_first_paragraph_is_said_once() -> None:
    article = case("b04-first-paragraph-twice.md")
    for name in ("plain-text", "html", "amp"):
        (text, *_) = read(formats()[name].render(revision_of(article), SITE), formats()[name].media_type)
        assert re.sub(r"\s+", " ", text).count("Never stop") == 1, name


def test_titles_and_headings_keep_what_is_raised() -> None:
    page = formats()["html"].render(revision_of(case("powers.html")), SITE).decode()
    assert "<h1>When platelets fall below 20 × 10<sup>9</sup>/L</h1>" in page
    assert re.search(r"<h2 id=\"[^\"]+\">Below 10<sup>9</sup>/L</h2>", page)
    titled = formats()["html"].render(revision_of(case("superscripts.md")), SITE).decode()
    assert "<h1>Platelets below 50 × 10<sup>9</sup>/L</h1>" in titled
    assert "<title>Platelets below 50 × 10⁹/L | Doctor&#39;s Note</title>" in titled


def test_html_keeps_what_was_struck_out_as_such() -> None:
    page = formats()["html"].render(revision_of(case("deleted-dose.html")), SITE).decode()
    assert "Give <del>500 mg</del> <ins>50 mg</ins> twice a day." in page


def test_html_keeps_the_numbers_of_lists() -> None:
    page = formats()["html"].render(revision_of(case("marks.md")), SITE).decode()
    assert '<ol start="3"><li>third</li><li value="7">seventh</li></ol>' in page
    assert '<ol type="a"><li>letter a</li><li>letter b</li></ol>' in page
    assert "<dl><dt>Adults</dt><dd>10 mg</dd><dt>Children</dt><dd>1 mg</dd></dl>" in page


def test_apple_news_says_the_numbers_that_its_lists_cannot() -> None:
    components = json.loads(formats()["apple-news"].render(revision_of(case("marks.md")), SITE))["components"]
    text = "".join(str(component.get("text", "")) for component in components)
    for each in ("<li>3. third</li><li>7. seventh</li>", "<li>a. letter a</li>", "<strong>Adults</strong>: 10 mg"):
        assert each in text


# --- flattening ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inlines", "text"),
    [
        ((Text("10"), Superscript((Text("6"),)), Text(" units")), "10⁶ units"),
        ((Text("10"), Superscript((Text("-3"),))), "10⁻³"),
        ((Text("x"), Superscript((Text("a b"),))), "x^(a b)"),
        ((Text("t"), Subscript((Text("1/2"),))), "t_(1/2)"),
        ((Text("5"), Superscript((Text("1"),)), Text("/"), Subscript((Text("2"),))), "5½"),
        ((Text("5"), Superscript((Text("3"),)), Text("/"), Subscript((Text("16"),))), "5 3/16"),
        ((Text("1\u20442 and 51\u20442"),), "½ and 51\u20442"),
        ((Text("Give "), Deleted((Text("500 mg"),)), Text(" 50 mg")), "Give 50 mg"),
        ((Text("50"), Deleted((Text("0"),)), Text(" mg "), Deleted((Text("x"),)), Text(".")), "50 mg."),
        ((Strong((Text("e"), Superscript((Text("x"), Superscript((Text("2"),)))))),), "e^(x²)"),
    ],
)
def test_a_line_means_the_same_as_text(inlines: tuple[Inline, ...], text: str) -> None:
    assert inlines_text(inlines) == text
    assert line_of(inlines) == text


def test_a_table_too_large_to_repeat_its_heads_has_them_once() -> None:
    long = "h" * 300
    rows = (
        tuple(Cell((Text(long),), header=True) for _ in range(5)),
        *((Cell((Text("1"),)),) * 5 for _ in range(2000)),
    )
    assert len(blocks_text([Table(rows)])) < 3 * (5 * 300 + 2000 * 5 * 4)


# --- the property -------------------------------------------------------------------------------------------------

Pair = tuple[Block, Block]
words = st.sampled_from(("alpha", "beta", "gamma", "delta", "omega"))
numbers = st.integers(1, 60)


def p(*parts: Inline | str) -> Paragraph:
    return Paragraph(tuple(Text(part) if isinstance(part, str) else part for part in parts))


def lines(word: str, *inlines: tuple[Inline, ...]) -> Iterator[Paragraph]:
    return (Paragraph((Text(f"{word} "), *each)) for each in inlines)


def two(several: list[Block]) -> st.SearchStrategy[Pair]:
    """Two different ones out of several, none of which means what another does."""
    return st.permutations(several).map(lambda order: (order[0], order[1]))


def of_lines(word: str, n: int) -> st.SearchStrategy[Pair]:
    digits = (Text(str(n)),)
    of = (Text("1"), Text("0"))
    return two([
        *lines(word, (*of, *digits), (*of, Superscript(digits)), (*of, Subscript(digits)), (*of, Deleted(digits))),
        *lines(word, (*of, Text("/"), *digits), (*of, LineBreak(), *digits), (*of, Abbreviation(digits, word))),
        *lines(word, (Text("1"), Superscript((Text("1"),)), Text("/"), Subscript((Text("3"),))), (Text("11/3"),)),
    ])  # fmt: skip


def items(*texts: str) -> tuple[ListItem, ...]:
    return tuple(ListItem((p(text),)) for text in texts)


def of_lists(word: str, n: int) -> st.SearchStrategy[Pair]:
    three = items(word, "next", "last")
    valued = (three[0], ListItem(three[1].blocks, number=n + 7), three[2])
    nested = (ListItem((p(word), NumberedList(items("next"), n))), three[2])
    done = (ListItem(three[0].blocks, checked=True), *three[1:])
    undone = (ListItem(three[0].blocks, checked=False), *three[1:])
    return two([
        BulletList(three), BulletList(three[::-1]), BulletList(done), BulletList(undone), NumberedList(three, n),
        NumberedList(three, n + 1), NumberedList(three, n, "a"), NumberedList(three, n, "A"),
        NumberedList(three, n, "i"),
        NumberedList(three, n, "I"), NumberedList(three, n + 90, "1", True), NumberedList(valued, n),
        NumberedList(nested, n), NumberedList(done, n), NumberedList(three[1:], n),
    ])  # fmt: skip


def of_definitions(word: str, n: int) -> st.SearchStrategy[Pair]:
    def of(term: str, *descriptions: str) -> Definition:
        return Definition(((Text(term),),), tuple((p(each),) for each in descriptions))

    return two([
        DefinitionList((of("Adults", f"{n} mg"), of("Children", word))),
        DefinitionList((of("Adults", word), of("Children", f"{n} mg"))),
        DefinitionList((of("Adults", f"{n} mg", word), of("Children", "none"))),
        DefinitionList((of("Adults", f"{n} mg"), of("Children", word, "none"))),
        DefinitionList((Definition(((Text("Adults"),), (Text("Children"),)), ((p(f"{n} mg {word}"),),)),)),
    ])  # fmt: skip


def row(*cells: str | Cell, header: bool = False) -> tuple[Cell, ...]:
    return tuple(each if isinstance(each, Cell) else Cell((Text(each),), header=header) for each in cells)


def of_tables(word: str, n: int) -> st.SearchStrategy[Pair]:
    head, dose = row("Age", "Morning", "Evening", header=True), f"{n} mg"
    empty, wide, tall = Cell(()), Cell((Text(dose),), colspan=2), Cell((Text(word),), rowspan=2)
    return two([
        Table((head, row(word, dose, empty))), Table((head, row(word, empty, dose))), Table((head, row(word, wide))),
        Table((row("Age", "Evening", "Morning", header=True), row(word, dose, empty))),
        Table((head, row(tall, dose, "none"), row("none", dose))),
        Table((head, row(word, dose, "none"), row("none", dose))),
        Table((head, row(word, dose, "none"), row("none", dose, empty))), Table((row(word, dose, empty),)),
    ])  # fmt: skip


def of_passages(word: str, n: int) -> st.SearchStrategy[Pair]:
    inside = (p(f"{word} {n}"),)
    return two([
        inside[0], Quotation(inside), Quotation(inside, word), Note("warning", inside), Note("important", inside),
        Note("urgent", inside), Note("info", inside),
    ])  # fmt: skip


def _around(pair: Pair, container: Callable[[Block], Block]) -> Pair:
    return container(pair[0]), container(pair[1])


CONTAINERS: list[Callable[[Block], Block]] = [
    lambda block: block,
    lambda block: BulletList((ListItem((p("before"), block)),)),
    lambda block: NumberedList((ListItem((block,)), *items("after")), 4, "a"),
    lambda block: Note("warning", (p("before"), block)),
    lambda block: Quotation((block, p("after"))),
    lambda block: DefinitionList((Definition(((Text("Term"),),), ((p("before"), block),)),)),
]
KINDS = (of_lines, of_lists, of_definitions, of_tables, of_passages)


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """Two blocks that differ in what their markup says and in nothing else, in the same surroundings."""
    pair = draw(draw(st.sampled_from(KINDS))(draw(words), draw(numbers)))
    for _ in range(draw(st.integers(0, 2))):
        pair = _around(pair, draw(st.sampled_from(CONTAINERS)))
    return pair


def body_texts(block: Block) -> dict[str, str]:
    """Return the text of each format: ninjs' two bodies separately, JSON-LD's text alone, and both forms of a mail."""
    article = Article(id="a", title="T", answer="A", sections=(Section("S", "s", (p("start"), block, p("end"))),))
    rendered = {name: form.render(revision_of(article), SITE).decode() for name, form in formats().items()}
    mailed = mail_texts(rendered)
    ninjs, linked = json.loads(rendered.pop("ninjs")), json.loads(rendered.pop("json-ld"))
    return {
        **rendered,
        "json-ld": linked["hasPart"][0]["text"],
        **mailed,
        **{f"ninjs {body['contentType']}": body["value"] for body in ninjs["bodies"]},
    }


def mail_texts(rendered: Mapping[str, str]) -> dict[str, str]:
    """Return both forms of the mail that the email channel sends, as a recipient's program decodes them."""
    of = {name: Rendition(name, formats()[name].media_type, text.encode()) for name, text in rendered.items()}
    parcel = Parcel("m-1", "a", "T", 1, "published", of["html"], "html", PUBLISHED, also={n: of[n] for n in EMAIL.also})
    letterhead = Letterhead(sender="news@notes.example.org")
    sent = message_from_bytes(mail([parcel], letterhead).to("desk@partner.example.org"), policy=default)
    parts = {part.get_content_type(): part.get_content() for part in sent.walk() if not part.is_multipart()}
    return {"mail": parts["text/plain"], "mail's HTML": parts["text/html"]}


@pytest.mark.timeout(3600)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(pair=pairs())
def test_bodies_that_differ_in_meaning_never_give_equal_text(pair: Pair) -> None:
    one, other = map(body_texts, pair)
    assert [name for name, text in one.items() if text == other[name]] == []


@pytest.mark.parametrize("filler", range(150, 200))
def test_a_description_is_never_cut_inside_a_number_and_its_unit(filler: int) -> None:
    answer = f"{'w' * filler} give up to 2 × 10⁶ IU or 50 mg per day and not more than 1 g at most, {'x' * 60}"
    page = formats()["html"].render(revision_of(Article(id="a", title="T", answer=answer)), SITE).decode()
    (descriptions,) = re.findall(r'<meta name="description" content="([^"]*)…">', page)
    assert not re.search(r"(?:[0-9⁶]|×|up to|not|than|not more)$", descriptions)


def test_an_article_that_an_earlier_release_stored_is_read_as_it_is() -> None:
    stored = {
        "id": "a", "title": "T", "answer": "A", "topics": [{"name": "B", "slug": "b", "mesh": None, "url": None}],
        "lead": [{"type": "numbers", "start": 3, "items": [{"blocks": [{"type": "image", "src": "https://x.example/i"}]}]}],
        "sections": [{"heading": "H", "anchor": "h", "blocks": [], "sections": []}],
    }  # fmt: skip
    read = msgspec.convert(stored, Article)
    assert read.lead == (NumberedList((ListItem((Image("https://x.example/i"),)),), 3),)
    assert (read.sections[0].marked_heading, read.topics[0].kind, read.marked_title) == ((), None, ())


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (Image("https://x.example/i.png", ""), ""),
        (Image("https://x.example/i.png", "A calf"), "[Image: A calf]"),
        (
            Image("https://x.example/i.png", "A calf", caption="A calf at rest", credit="N. Roe"),
            "A calf at rest N. Roe",
        ),
        (
            Image("https://x.example/i.png", "", caption="A calf. Photo: N. Roe", credit="N. Roe"),
            "A calf. Photo: N. Roe",
        ),
    ],
)
def test_an_image_is_described_once_and_never_by_its_address(image: Image, text: str) -> None:
    assert blocks_text([image]) == text
