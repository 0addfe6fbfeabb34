"""HTML pages: JSON-LD first, then meta tags, then the text."""

from __future__ import annotations

import datetime as dt
import json

from pipeline.intake import SourceFile, read_article, read_source
from pipeline.model.article import (
    Article,
    CallToAction,
    CitedWork,
    Image,
    Link,
    Marker,
    Paragraph,
    Person,
    RelatedLink,
    Text,
    Topic,
)


def read(html: str) -> Article:
    return read_article(html.encode(), name="a.html")


def page(head: str, body: str) -> str:
    return f"<!doctype html><html lang=en-GB><head>{head}</head><body>{body}</body></html>"


def test_json_ld_gives_the_fields() -> None:
    node = {
        "@type": ["MedicalWebPage", "FAQPage"],
        "headline": "Sleep &amp; you",
        "description": "In short.",
        "datePublished": "2026-02-23",
        "dateModified": "2026-02-24T01:00:00+01:00",
        "lastReviewed": "2026-02-25",
        "author": [{"@type": "Person", "name": "Jane Roe", "honorificSuffix": "MD"}, "Amir Haddad, RN"],
        "reviewedBy": {
            "name": "Lee", "jobTitle": "Neurologist", "affiliation": {"name": "Clinic"}, "url": "/people/lee",
        },
        "about": {"name": "Insomnia", "code": {"codeValue": "D007319", "codingSystem": "MeSH"}},
        "inLanguage": "en",
        "image": {"url": "/i.png", "width": {"value": 10}, "height": 20, "caption": "C", "creditText": "D"},
        "license": "https://example.org/l",
        "citation": [
            {"identifier": {"propertyID": "PMID", "value": "11"}, "sameAs": "https://doi.org/10.1000/x"},
            {"sameAs": ["https://doi.org/10.1000/Y", "https://pubmed.ncbi.nlm.nih.gov/12/"]},
            {"url": "https://example.org/paper"},
            "Roe J. PMID: 13",
            {"name": "A book without an address"},
        ],
        "relatedLink": ["https://example.org/more"],
        "potentialAction": {"name": "Check", "target": {"urlTemplate": "https://example.org/check"}},
        "mainEntity": {"@type": "Question", "name": "Why?", "acceptedAnswer": {"text": "<p>Because.</p>"}},
    }  # fmt: skip
    graph = {"@graph": [{"@type": "Organization", "name": "Site"}, {"@type": "WebPage", "name": "Other"}, node]}
    head = f'<script type="application/ld+json">{json.dumps(graph)}</script><link rel=canonical href=https://example.org/p>'
    article = read(page(head, "<main><h1>Other h1</h1><p>Text.</p></main>"))
    assert article.title == "Sleep & you"
    assert (article.question, article.answer) == ("Why?", "Because.")
    assert article.published == dt.datetime(2026, 2, 23, tzinfo=dt.UTC)
    assert article.modified == dt.datetime(2026, 2, 24, tzinfo=dt.UTC)
    assert article.reviewed == dt.date(2026, 2, 25)
    assert article.authors == (Person("Jane Roe", "MD"), Person("Amir Haddad", "RN"))
    assert article.reviewers == (Person("Lee", None, "Neurologist", "Clinic", "https://example.org/people/lee"),)
    assert article.topics == (Topic("Insomnia", "insomnia", "D007319"),)
    assert article.language == "en"
    assert article.image == Image("https://example.org/i.png", "", 10, 20, "C", "D")
    assert article.canonical == "https://example.org/p"
    assert article.references == (
        CitedWork("pmid", "11"),
        CitedWork("pmid", "12"),
        CitedWork("url", "https://example.org/paper"),
        CitedWork("pmid", "13"),
    )
    assert article.related == (RelatedLink("https://example.org/more", "https://example.org/more"),)
    assert article.calls_to_action == (CallToAction("Check", "https://example.org/check"),)


def test_meta_tags_give_what_json_ld_does_not() -> None:
    head = (
        "<title>Sleep | Site</title><meta name=description content='In short.'><meta name=author content='Roe, MD'>"
        "<meta property=article:published_time content=2026-02-23T00:00:00Z><meta property=article:tag content=Sleep>"
        "<meta property=og:image content=https://example.org/i.png><meta property=og:image:width content=12>"
        "<script type=application/ld+json>{broken</script>"
    )
    article = read(page(head, "<article><p>Text.</p></article>"))
    assert (article.title, article.answer, article.language) == ("Sleep", "In short.", "en-GB")
    assert article.published == dt.datetime(2026, 2, 23, tzinfo=dt.UTC)
    assert article.topics == (Topic("Sleep", "sleep"),)
    assert article.image == Image("https://example.org/i.png", width=12)


LONG = "<p>Stretch your calves every night.</p>" + "<p>It takes two minutes and costs nothing.</p>" * 9


def test_a_description_for_search_engines_is_not_the_answer_where_the_page_has_a_text() -> None:
    for description in (
        "<meta name=description content='Cramps in the calves at night are painful and common.'>",
        '<script type=application/ld+json>{"@type": "NewsArticle", "description": "Cramps hurt at night."}</script>',
    ):
        article = read(page(f"<title>Cramps in the calves at night</title>{description}", f"<article>{LONG}</article>"))
        assert article.answer == "Stretch your calves every night."
        assert len(article.lead) == 9


def test_an_abstract_is_the_answer_because_its_author_wrote_it_as_one() -> None:
    node = '{"@type": "Article", "abstract": "Stretch calves."}'
    head = f"<title>Calves</title><script type=application/ld+json>{node}</script>"
    article = read(page(head, f"<article>{LONG}</article>"))
    assert (article.answer, len(article.lead)) == ("Stretch calves.", 10)


def test_an_image_before_the_first_paragraph_does_not_repeat_it() -> None:
    article = read(
        page("<title>Calves</title>", f"<article><img src=https://x.example/i.jpg alt=Calf>{LONG}</article>")
    )
    assert article.answer == "Stretch your calves every night."
    assert article.lead[0] == Image("https://x.example/i.jpg", "Calf") and len(article.lead) == 10


def test_descriptions_and_captions_that_repeat_the_title_or_each_other_are_left_out() -> None:
    images = "".join(
        f"<figure><img src=https://x.example/{name}.jpg alt='{alt}'><figcaption>Night cramps</figcaption></figure>"
        for name, alt in (("a", "Night cramps"), ("b", "A calf"), ("c", "A calf"))
    )
    article = read(page("<title>Night cramps</title>", f"<article>{LONG}{images}</article>"))
    assert article.lead[-3:] == tuple(
        Image(f"https://x.example/{name}.jpg", alt) for name, alt in (("a", ""), ("b", "A calf"), ("c", ""))
    )


def test_paragraphs_around_a_link_are_kept_in_a_script_without_spaces() -> None:
    kept = "<p>本を読むには<a href=https://x.example/>Kindle for PC</a>というアプリを使うことができます。</p>"
    other = "".join(
        f"<p>{n}時に目が覚めたら、無理に眠らず、静かに座り、明かりをつけ、本を読みます。</p>" for n in range(24)
    )
    article = read(page("<title>夜</title>", f"<div><p>目次</p></div><div>{other}{kept}{other}</div>"))
    assert sum("Kindle for PC" in repr(block) for block in article.lead) == 1


def test_only_the_article_of_a_page_is_its_text() -> None:
    body = (
        "<nav>Menu</nav><div>Advert</div><article><header><h1>T</h1><p class=byline>By me</p></header>"
        "<p>Text.</p><p hidden>Hidden.</p><script>x()</script><h2>More</h2><p>And more.</p><footer>Tags</footer>"
        "</article><aside>Other stories</aside>"
    )
    article = read(page("<title>T - Site</title>", body))
    assert article.title == "T"
    assert (article.answer, article.lead) == ("Text.", ())
    assert [section.blocks for section in article.sections] == [(Paragraph((Text("And more."),)),)]


def test_without_a_marked_article_an_extractor_finds_the_text() -> None:
    text = "".join(f"<p>{'Sleep matters, and here is why it does so. ' * 8}({n})</p>" for n in range(8))
    body = f"<div class=sidebar><a href=/a>One</a> <a href=/b>Two</a></div><div class=story><h2>Why</h2>{text}</div>"
    article = read(page("<title>T</title>", body))
    assert article.sections[0].heading == "Why"
    assert len(article.sections[0].blocks) == 8
    assert "One" not in article.answer


def test_a_short_page_is_kept_whole() -> None:
    article = read("<title>T</title><p>One.</p><p>Two.</p>")
    assert (article.answer, article.lead) == ("One.", (Paragraph((Text("Two."),)),))


def test_relative_addresses_are_resolved_and_fragments_are_dropped() -> None:
    head = "<title>T</title><link rel=canonical href=https://example.org/a/b>"
    body = "<article><p><a href=../c?d#e>C</a> <a href=#f>F</a> <a href='javascript:x'>J</a></p></article>"
    article = read(page(head, body))
    assert article.marked_answer == (Link("https://example.org/c?d#e", (Text("C"),)), Text(" F J"))


def test_a_list_of_references_in_the_text_becomes_the_references() -> None:
    body = (
        "<article><p>Known <a href=#r2>[2]</a>.</p><h2>References</h2><ol>"
        "<li>Roe J. Sleep. 2020. <a href=https://doi.org/10.1000/x>doi</a></li><li>Poe E. PMID: 12.</li></ol>"
        "<h2>After</h2><p>x</p></article>"
    )
    article = read(page("<title>T</title>", body))
    assert article.references == (CitedWork("doi", "10.1000/x"), CitedWork("pmid", "12"))
    assert article.answer == "Known."
    assert article.marked_answer == (Text("Known "), Marker((2,)), Text("."))
    assert [section.heading for section in article.sections] == ["After"]


def test_an_entry_that_names_nothing_to_look_up_is_a_reference_in_its_words() -> None:
    body = "<article><p>x</p><h2>References</h2><ul><li>PMID: 12</li><li>A book.</li></ul></article>"
    article = read(page("<title>T</title>", body))
    assert article.references == (CitedWork("pmid", "12"), CitedWork("text", "A book."))
    assert [entry.words for entry in article.cited_as] == [None, "A book."]
    assert article.sections == ()


def test_a_field_that_cannot_be_read_is_left_out_and_said() -> None:
    html = page("<title>T</title><meta name=date content=yesterday>", "<p>x</p>")
    found = read_source(SourceFile(html.encode(), "a.html"))
    assert (found.article.title, found.article.published) == ("T", None)
    (warning,) = found.warnings
    assert (warning.field, warning.code, warning.file) == ("published", "invalid-field", "a.html")
    assert str(warning).startswith("a.html: warning: field 'published': left out: 'yesterday' is not a date")
