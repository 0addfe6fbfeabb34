"""Our own words are in the article's language, or English and saying so; what machines read stays as it is."""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import msgspec
import pytest
from articles import FEED, SITE, WITHDRAWAL, revision_of
from lxml import etree, html

from pipeline.channels.email import CHANNEL
from pipeline.channels.email.mail import Letterhead, mail
from pipeline.model.article import (
    Article,
    CallToAction,
    Cell,
    CitedWork,
    Image,
    Note,
    Paragraph,
    Person,
    RelatedLink,
    Section,
    Table,
    Text,
)
from pipeline.model.delivery import Parcel
from pipeline.model.reference import CitedReference, Notice, Reference
from pipeline.model.rendition import Rendition
from pipeline.model.revision import Revision, Withdrawal
from pipeline.renditions import formats
from pipeline.wording import pieces, reading, words, words_of
from pipeline.wording.tags import CATALOGUES
from workers import catalogues

TAGS = sorted(name.replace("_", "-") for name in CATALOGUES.values())
READ = ("html", "amp", "plain-text", "markdown", "rss", "atom", "apple-news", "ninjs")  # by people, as they are
PUBLIC = msgspec.structs.replace(SITE, title="Ω", publisher="Ψ", disclaimer="Φ", url="https://x.example")

LATEST = msgspec.structs.replace(FEED, title="Ω", description="Ω")


def word(text: str = "λόγος") -> Paragraph:
    return Paragraph((Text(text),))


def article(language: str) -> Revision:
    """An article in words of no language of ours, with everything that makes us say something."""
    notes = tuple(Note(kind, (word(),)) for kind in ("important", "warning", "urgent", "info"))
    sections = tuple(Section(f"ενότητα {n}", f"s{n}", notes if n == 0 else (word(),)) for n in range(4))
    references = tuple(
        CitedReference(
            n,
            CitedWork("pmid", str(90000000 + n)),
            "resolved",
            Reference(
                pmid=str(90000000 + n), title="τίτλος", journal="Ζ", types=(kind,), pmcid=f"PMC{n}", editorial=states,
                notices=tuple(Notice(state, "Ζ. 2022;4:2", "90000012") for state in states),
            ),
        )
        for n, (kind, states) in enumerate(
            (
                ("Systematic Review", ("retracted", "concern", "erratum")),
                ("Randomized Controlled Trial", ("retracted", "updated", "reinstated")),
                ("Guideline", ("concern", "withdrawn", "corrected-republished")),
            ),
            1,
        )
    )  # fmt: skip
    return msgspec.structs.replace(
        revision_of(
            Article(
                id="a", title="τίτλος", question="ερώτηση", answer="απάντηση", language=language, sections=sections,
                lead=(Table(((Cell((Text("α"),)),),)), Image("https://x.example/i.png", "εικόνα")),
                authors=(Person("Α", "MD"),), reviewers=(Person("Β", "PhD"),), licence="CC0",
                reviewed=dt.date(2025, 1, 5), next_review=dt.date(2025, 2, 5),
                related=(RelatedLink("γ", "https://x.example/c"),),
                calls_to_action=(CallToAction("δ", "https://x.example/d"),),
                published=dt.datetime(2025, 1, 2, tzinfo=dt.UTC),
                references=tuple(one.work for one in references),
            ),
            references,
        ),
        overdue=True,
    )  # fmt: skip


def withdrawal(language: str) -> Withdrawal:
    return msgspec.structs.replace(WITHDRAWAL, title="τίτλος", reason="αιτία", language=language)


@functools.cache
def rendered(language: str) -> dict[str, bytes]:
    out = {name: formats()[name].render(article(language), PUBLIC) for name in READ}
    out |= {f"{name} gone": formats()[name].tombstone(withdrawal(language), PUBLIC) for name in READ}
    for name in ("rss", "atom"):
        document = formats()[name].document
        assert document
        out[f"{name} feed"] = document(LATEST, [article(language), withdrawal(language)], PUBLIC)
    return out


def literals(text: str) -> Iterator[str]:
    """Return the words of a message that no chance brings together: `Medically reviewed by`."""
    return (said for literal, _ in pieces(text) if len(said := literal.strip(" .:,;[]")) > 3)


@functools.cache
def english() -> dict[str, tuple[str, ...]]:
    """Return the words of every message, by its text."""
    texts = [text for one in catalogues.messages() for text in ([one.id] if isinstance(one.id, str) else one.id)]
    return {text: tuple(literals(text)) for text in texts if text}


def says(body: str, said: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(said)}(?![\w-])", body) is not None


# Markup but for what is said in attributes, and what a browser does not show.
HIDDEN = re.compile(r"(?s)<script.*?</script>|<style.*?</style>|<(?!\w[^<>]*aria-label)[^<>]*>")
SHOWN = {"text", "html", "value", "title"}  # the members of JSON that people are shown


def texts(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for key, each in value.items():
                if isinstance(each, str):
                    yield each if key in SHOWN else ""
                else:
                    yield from texts(each)
        case list():
            for each in value:
                yield from texts(each)


def read(body: bytes) -> str:
    """Return what people read of a rendition."""
    text = body.decode()
    return HIDDEN.sub(" ", "\n".join(texts(json.loads(text))) if text.startswith("{") else text)


@pytest.mark.parametrize("language", TAGS)
def test_no_english_label_is_left_in_what_people_read(language: str) -> None:
    own, left = words_of(language), []
    for name, body in rendered(language).items():
        text = read(body)
        for message, parts in english().items():
            left += [(name, part) for part in parts if part not in own.translated(message) and says(text, part)]
    assert left == []


def test_english_labels_are_found_where_they_are_expected() -> None:
    """Or else the test above finds nothing because it looks at nothing."""
    text = "\n".join(map(read, rendered("en").values()))
    said = {message for message, parts in english().items() if any(says(text, part) for part in parts)}
    assert len(said) > 45


@pytest.mark.parametrize("language", TAGS)
def test_every_date_is_written_in_the_articles_language(language: str) -> None:
    for name, body in rendered(language).items():
        text = read(body)
        assert not re.search(r"January|February|March", text), name
    pages = [html.fromstring(rendered(language)[name]) for name in ("html", "html gone")]
    dates = [each for page in pages for each in page.xpath("//time")]
    assert len(dates) >= 6
    for each in dates:
        day = dt.date.fromisoformat(each.get("datetime")[:10])
        assert each.text == words_of(language).date(day)


def foreign(page: html.HtmlElement) -> Iterator[tuple[str, html.HtmlElement]]:
    """Return the texts that hold words of ours in English, with their elements."""
    known = [part for parts in english().values() for part in parts]
    for element in page.iter():
        if isinstance(element.tag, str) and element.tag not in ("script", "style", "title"):
            for text in filter(None, (element.text, *(child.tail for child in element))):
                if any(says(text, part) for part in known):
                    yield text, element


@pytest.mark.parametrize("language", ["sv", "fa", "hi-Latn"])
@pytest.mark.parametrize("name", ["html", "amp", "html gone", "amp gone", "rss", "json-feed"])
def test_english_in_place_of_another_language_says_that_it_is_english(language: str, name: str) -> None:
    form = formats()[name.split(maxsplit=1)[0]]
    body = form.tombstone(withdrawal(language), PUBLIC) if "gone" in name else form.render(article(language), PUBLIC)
    if name == "json-feed":
        body = json.loads(body)["items"][0]["content_html"].encode()
    elif name == "rss":
        body = etree.fromstring(body).findtext(".//{*}encoded").encode()
    found = list(foreign(html.fromstring(body.decode())))
    assert len(found) >= (3 if "gone" in name else 12)
    for text, element in found:
        assert element.xpath("string((ancestor-or-self::*/@lang)[last()])") == "en", text
        assert element.xpath("string((ancestor-or-self::*/@dir)[last()])") == "ltr", text


@pytest.mark.parametrize("language", ["ar", "he"])
def test_a_citation_keeps_its_direction_beside_labels_that_have_another(language: str) -> None:
    page = html.fromstring(rendered(language)["html"])
    for mark in page.xpath("//li[starts-with(@id, 'ref-')]//*[contains(@class, 'mark')]"):
        assert mark.get("dir") == "rtl"  # an element with a direction does not count for the `dir=auto` around it
    (reviewers,) = page.xpath("//p[@class='reviewers']")
    assert reviewers.xpath("string(bdi)") == "Β, PhD"
    lines = rendered(language)["plain-text"].decode().splitlines()
    assert [line for line in lines if re.search(r"PMID: 9000000\d", line.partition("\u2068")[0])] == []


def mailed(*languages: str) -> dict[str, str]:
    parcels = []
    for n, language in enumerate(languages):
        of = {
            name: Rendition(name, formats()[name].media_type, formats()[name].render(article(language), PUBLIC))
            for name in ("html", *CHANNEL.also)
        }
        parcels.append(
            Parcel(
                f"m-{n}",
                "a",
                "τίτλος",
                1,
                "updated",
                of["html"],
                "html",
                dt.datetime(2025, 1, 2, tzinfo=dt.UTC),
                also=of,
            )
        )
    letterhead = Letterhead(sender="news@notes.example.org", unsubscribe=("https://x.example/u",))
    sent = message_from_bytes(mail(parcels, letterhead).to("desk@partner.example.org"), policy=default)
    parts = {part.get_content_type(): part.get_content() for part in sent.walk() if not part.is_multipart()}
    return {**parts, "subject": str(sent["Subject"])}


def test_a_mail_is_in_its_articles_language() -> None:
    sent = mailed("de")
    assert sent["subject"] == "Aktualisiert: τίτλος"
    assert "Abbestellen: https://x.example/u" in sent["text/plain"]
    assert '<p lang="de" dir="ltr"><a href="https://x.example/u">Abbestellen</a></p>' in sent["text/html"]


def test_a_digest_is_in_the_language_of_all_its_articles_or_in_english() -> None:
    assert mailed("fr", "fr")["subject"].startswith("2 articles : Mis à jour : τίτλος; ")
    assert mailed("fr", "de")["subject"] == "2 articles: Mis à jour : τίτλος; Aktualisiert: τίτλος"
    assert ">Unsubscribe</a>" in mailed("fr", "de")["text/html"]


@pytest.mark.parametrize("language", ["ar", "ja"])
def test_what_machines_read_is_the_same_in_every_language(language: str) -> None:
    linked, plain = (json.loads(formats()["json-ld"].render(article(each), PUBLIC)) for each in (language, "en"))
    for member in ("creativeWorkStatus", "creditText", "subjectOf"):
        assert linked[member] == plain[member]
    assert [one["creativeWorkStatus"] for one in linked["citation"]] == [
        one["creativeWorkStatus"] for one in plain["citation"]
    ]
    item = json.loads(formats()["json-feed"].render(article(language), PUBLIC))["items"][0]["_citewire"]
    assert item["references"][0]["editorial"] == ["retracted", "concern", "erratum"]
    assert item["references"][0]["editorial_labels"][0] == words_of(language).translated("Retracted")
    genres = json.loads(formats()["ninjs"].render(article(language), PUBLIC))["associations"][1]["genres"]
    assert genres[0] == {"name": words_of(language).translated("Retracted"), "literal": "retracted"}


def test_a_withdrawal_goes_out_without_its_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FOLDER", tmp_path)
    caches = (words.words_of, reading.translations)
    try:
        for known in caches:
            known.cache_clear()
        for name, form in formats().items():
            assert form.tombstone(withdrawal("ko"), PUBLIC), name
    finally:
        for known in caches:
            known.cache_clear()
