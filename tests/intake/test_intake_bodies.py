"""Bodies: what becomes of each kind of markup. Nothing of the text is lost."""

from __future__ import annotations

import pytest

from pipeline.intake import read_article
from pipeline.model.article import (
    Abbreviation,
    Article,
    Block,
    BulletList,
    Cell,
    Code,
    Definition,
    DefinitionList,
    Deleted,
    Emphasis,
    Image,
    Inline,
    Inserted,
    LineBreak,
    Link,
    ListItem,
    Marker,
    Note,
    NumberedList,
    Paragraph,
    Preformatted,
    Quotation,
    Strong,
    Subscript,
    Superscript,
    Table,
    Text,
)


def article(body: str, references: str = "[]") -> Article:
    return read_article(f"---\ntitle: T\nsummary: S\nreferences: {references}\n---\n{body}\n".encode(), name="a.md")


def lead(body: str, references: str = "[]") -> tuple[Block, ...]:
    return article(body, references).lead


def t(text: str) -> tuple[Inline, ...]:
    return (Text(text),)


def p(text: str) -> Paragraph:
    return Paragraph(t(text))


def item(*blocks: Block) -> ListItem:
    return ListItem(blocks)


@pytest.mark.parametrize(
    ("body", "inlines"),
    [
        ("a *b* **c** `d`", (Text("a "), Emphasis(t("b")), Text(" "), Strong(t("c")), Text(" "), Code("d"))),
        ("x<sup>2</sup> H<sub>2</sub>O", (Text("x"), Superscript(t("2")), Text(" H"), Subscript(t("2")), Text("O"))),
        ("a  \nb", (Text("a"), LineBreak(), Text("b"))),
        ("a\nb", (Text("a b"),)),
        ("[a](https://example.org/ä)", (Link("https://example.org/%C3%A4", t("a")),)),
        ("[a](mailto:a@example.org)", (Link("mailto:a@example.org", t("a")),)),
        ("[b](/relative) <a href=javascript:x>a</a> <a href='data:text/html,x'>c</a>", (Text("b a c"),)),
        ("[a](javascript:x)", (Text("[a](javascript:x)"),)),
        ("\\*a\\* &copy; \\[x\\]", (Text("*a* © [x]"),)),
        ("<q>a</q> <abbr>b</abbr> <mark>c</mark> <unknown>d</unknown>", (Text("“a” b c d"),)),
        ("<abbr title='nothing by mouth'>NPO</abbr>", (Abbreviation(t("NPO"), "nothing by mouth"),)),
        ("~~a~~ <del>b</del>", (Deleted(t("a")), Text(" "), Deleted(t("b")))),
        ("<s>a</s><strike>b</strike><ins>c</ins>", (Deleted(t("a")), Deleted(t("b")), Inserted(t("c")))),
        ("`a` <code>10<sup>6</sup></code>", (Code("a"), Text(" "), Code("10⁶"))),
        ("<script>x</script><style>y</style>a<!-- c --><?php x ?>", (Text("a"),)),
        ('a <b onclick="x" style="y">b</b>', (Text("a "), Strong(t("b")))),
        ("&lt;b&gt; &amp;amp; ]]> \u00a0", (Text("<b> &amp; ]]>"),)),
        ("<strong><strong>a</strong></strong>", (Strong(t("a")),)),
        ("<b> </b>a<i></i>", (Text("a"),)),
        ("cafe\u0301 a\u200fb", (Text("café a\u200fb"),)),
    ],
)
def test_inlines(body: str, inlines: tuple[Inline, ...]) -> None:
    assert lead(body) == (Paragraph(inlines),)


@pytest.mark.parametrize(
    ("body", "inlines"),
    [
        ("a [1].", (Text("a "), Marker((1,)), Text("."))),
        ("a [1, 3] b", (Text("a "), Marker((1, 2)), Text(" b"))),
        ("a [1–3][2]", (Text("a "), Marker((1, 2)), Marker((2, )))),
        ("a<sup>[2]</sup>", (Text("a"), Marker((2,)))),
        ("a [5] [0] [2-1] [x]", (Text("a [5] [0] [2-1] [x]"),)),
        ("`[1]` [[1]](https://example.org)", (Code("[1]"), Text(" "), Link("https://example.org", t("[1]")))),
    ],
)  # fmt: skip
def test_markers_follow_the_references_that_are_joined(body: str, inlines: tuple[Inline, ...]) -> None:
    assert lead(body, "[10, 20, 20, 10]") == (Paragraph(inlines),)


def test_without_references_a_marker_is_text() -> None:
    assert lead("a [1]") == (p("a [1]"),)


def test_lists_nest_and_keep_their_numbers() -> None:
    body = "3. a\n\n   b\n4. c\n   - d\n     1. e\n"
    inner = BulletList((item(p("d"), NumberedList((item(p("e")),))),))
    assert lead(body) == (NumberedList((item(p("a"), p("b")), item(p("c"), inner)), 3),)


def test_a_list_that_stands_beside_its_item_belongs_to_it() -> None:
    body = "<ul><li>a</li><ul><li>b</li></ul>c</ul>"
    assert lead(body) == (BulletList((item(p("a"), BulletList((item(p("b")),))), item(p("c")))),)


def test_tables_keep_headers_spans_and_caption() -> None:
    assert lead("| a | *b* |\n|---|---|\n| c |\n") == (
        Table(((Cell(t("a"), True), Cell((Emphasis(t("b")),), True)), (Cell(t("c")), Cell(())))),
    )
    html = "<table><caption>C</caption><tr><th colspan=2>a<td rowspan=x>b<ul><li>c<li>d</ul></table>"
    cell = Cell((Text("b"), LineBreak(), Text("• "), Text("c"), LineBreak(), Text("• "), Text("d")))
    assert lead(html) == (Table(((Cell(t("a"), True, 2), cell),), "C"),)


def test_images_keep_size_alt_caption_and_credit() -> None:
    figure = (
        '<figure><img src="https://example.org/a b.png" alt="A" width="10" height="20px">'
        '<figcaption>Cap <i>x</i>. <small class="credit">Photo: Roe</small></figcaption></figure>'
    )
    assert lead(figure) == (Image("https://example.org/a%20b.png", "A", 10, 20, "Cap x.", "Roe"),)
    assert lead('a ![B](https://example.org/b.png "C") d') == (
        p("a"),
        Image("https://example.org/b.png", "B", caption="C"),
        p("d"),
    )


def test_an_image_that_cannot_be_kept_leaves_its_words() -> None:
    assert lead("<figure><img src=data:x alt=Alt><figcaption>Cap</figcaption></figure>") == (p("Alt"), p("Cap"))


def test_quotations_keep_their_source() -> None:
    assert lead("> a\n>\n> b\n>\n> <footer>Roe</footer>") == (Quotation((p("a"), p("b")), "Roe"),)


def test_preformatted_text_keeps_its_lines() -> None:
    assert lead("```\na\n  b < c\n```") == (Preformatted("a\n  b < c"),)


def test_definitions_and_details_keep_their_text() -> None:
    assert lead("<dl><dt>a</dt><dd>b</dd></dl>") == (DefinitionList((Definition((t("a"),), ((p("b"),),)),)),)
    assert lead("<details><summary>a</summary>b</details>") == (Paragraph((Strong(t("a")),)), p("b"))


def test_a_link_around_blocks_and_images_is_opened() -> None:
    assert lead("<div><a href=https://example.org/>a <img src=https://example.org/i alt=i></a></div>") == (
        p("a"),
        Image("https://example.org/i", "i"),
    )


A_BULLET = BulletList((item(p("a")),))


@pytest.mark.parametrize(
    ("body", "note"),
    [
        ("Important: a", Note("important", (p("Important: a"),))),
        ("**Warning:** a", Note("warning", (Paragraph((Strong(t("Warning:")), Text(" a"))),))),
        ("Please note: a", Note("info", (p("Please note: a"),))),
        ("⚠️ Caution! a", Note("warning", (p("⚠️ Caution! a"),))),
        ("Urgent: a", Note("urgent", (p("Urgent: a"),))),
        ("Seek emergency care for:\n\n- a", Note("urgent", (p("Seek emergency care for:"), A_BULLET))),
        ("Important: x. It can cause:\n\n- a", Note("important", (p("Important: x. It can cause:"), A_BULLET))),
        ("Call 911 at once if you faint:\n\n- a", Note("urgent", (p("Call 911 at once if you faint:"), A_BULLET))),
        ("> [!WARNING]\n> a\n>\n> b", Note("warning", (p("a"), p("b")))),
        ("> [!TIP] a", Note("info", (p("a"),))),
        ("> Important: a\n>\n> b", Note("important", (p("Important: a"), p("b")))),
        ("::: danger\na\n\n- b\n:::", Note("warning", (p("a"), BulletList((item(p("b")),))))),
        ('<aside class="note note-urgent"><p class="note-label">x</p>a</aside>', Note("urgent", (p("a"),))),
        ('<div class="admonition tip">a</div>', Note("info", (p("a"),))),
        ('<p role="note">a</p>', Note("info", (p("a"),))),
    ],
)  # fmt: skip
def test_notes(body: str, note: Note) -> None:
    assert lead(body) == (note,)


@pytest.mark.parametrize("body", ["Note that it helps.", "An important point: rest.", "Warnings were few."])
def test_a_sentence_with_such_a_word_is_no_note(body: str) -> None:
    assert lead(body) == (p(body),)


def test_a_list_is_urgent_where_the_heading_asks_when_to_see_a_doctor() -> None:
    text = "See a doctor if you have:\n\n- a"
    urgent = Note("urgent", (p("See a doctor if you have:"), A_BULLET))
    assert article(f"## When to See a Doctor\n\n{text}").sections[0].blocks == (urgent,)
    assert article(f"## Treatment\n\n{text}").sections[0].blocks == (urgent.blocks)


def test_headings_open_sections_by_their_level() -> None:
    found = article("a\n\n## B\n\n#### C\n\nc\n\n### D\n\n## B\n\n## B 2\n\n# E\n").sections
    tree = [(s.heading, s.anchor, [(sub.heading, len(sub.blocks)) for sub in s.sections]) for s in found]
    assert tree == [
        ("B", "b", [("C", 1), ("D", 0)]),
        ("B", "b-2", []),
        ("B 2", "b-2-2", []),
        ("E", "e", []),
    ]


def test_a_heading_inside_a_block_is_a_strong_paragraph() -> None:
    assert lead("> ## a\n>\n> b") == (Quotation((Paragraph((Strong(t("a")),)), p("b"))),)


def test_a_first_paragraph_that_only_repeats_the_summary_is_not_said_twice() -> None:
    assert lead("S\n\nb") == (p("b"),)
    assert lead("*S*\n\nb") == (p("b"),)
    cited = article("*S* [1]\n\nb", references='["12345678"]')
    assert (cited.lead, cited.marked_answer) == ((p("b"),), (Emphasis(t("S")), Text(" "), Marker((1,))))
