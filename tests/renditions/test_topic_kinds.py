"""What kind of thing a topic is, from the author's file to schema.org's type."""

from __future__ import annotations

import datetime as dt
import json
from typing import get_args

import pytest
from articles import ARTICLE, SITE, revision_of
from judges.of_formats import findings
from judges.schema_org import schema_findings
from lxml import etree
from msgspec.structs import replace

from pipeline.errors import InvalidArticle
from pipeline.intake import read_article
from pipeline.model.article import Topic, TopicKind
from pipeline.renditions import formats


def topic(written: str) -> Topic:
    (only,) = read_article(f"---\ntitle: T\ntopics:\n  - {written}\n---\nA\n".encode(), name="a.md").topics
    return only


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("Baclofen", None),
        ("drug: Baclofen", "drug"),
        ("{name: Baclofen, kind: Drug}", "drug"),
        ("{name: Spasticity, tree: C23.888.592.608.550}", "symptom"),
        ("{name: Stroke, tree: C10.228.140}", "condition"),
        ("{name: Baclofen, tree: D02.241}", "drug"),
        ("{name: Baclofen, kind: therapy, tree: D02.241}", "therapy"),
        ("{name: Physicians, tree: M01.526}", None),
    ],
)
def test_the_author_says_the_kind_or_the_tree_number_does(written: str, kind: TopicKind | None) -> None:
    assert topic(written).kind == kind


@pytest.mark.parametrize("written", ["{name: a, kind: druk}", "{name: a, tree: 12}", "{druk: a}"])
def test_a_kind_that_is_none_is_refused_with_a_hint(written: str) -> None:
    with pytest.raises(InvalidArticle) as caught:
        topic(written)
    assert caught.value.hint


@pytest.mark.parametrize("kind", [*get_args(TopicKind), None])
def test_every_kind_is_a_type_of_schema_org(kind: TopicKind | None) -> None:
    article = replace(ARTICLE, topics=(Topic("Baclofen", "baclofen", "D001418", None, kind),))
    node = json.loads(formats()["json-ld"].render(revision_of(article), SITE))
    assert schema_findings(node) == []
    assert (node["about"][0]["@type"] == "MedicalCondition") == (kind == "condition")


def test_a_page_says_the_kind_by_its_type() -> None:
    about = {"@type": "MedicalWebPage", "headline": "T", "about": {"@type": "Drug", "name": "Baclofen"}}
    page = f"<title>T</title><script type=application/ld+json>{json.dumps(about)}</script><article><p>A</p></article>"
    assert read_article(page.encode(), name="a.html").topics[0].kind == "drug"


@pytest.mark.parametrize("kind", [*get_args(TopicKind), None])
def test_feeds_and_ninjs_say_the_kind_where_they_have_a_place_for_it(kind: TopicKind | None) -> None:
    article = replace(ARTICLE, topics=(Topic("Baclofen", "baclofen", "D001418", None, kind),))
    revision = revision_of(article)
    made = {name: formats()[name].render(revision, SITE) for name in ("rss", "atom", "json-feed", "ninjs")}
    expected = None if kind is None else f"https://schema.org/{_TYPE_OF[kind]}"
    assert etree.fromstring(made["rss"]).find(".//item/category").get("domain") == expected
    assert etree.fromstring(made["atom"]).find(".//{*}entry/{*}category").get("scheme") == expected
    assert json.loads(made["json-feed"])["items"][0]["_citewire"]["topics"][0].get("kind") == kind
    subjects = json.loads(made["ninjs"])["subjects"]
    assert [(one["name"], one["uri"]) for one in subjects if one["rel"] == "kind"] == [(kind, expected)] * bool(kind)
    for name, body in made.items():
        assert findings(name, body) == []


def test_the_fields_of_an_article_beside_its_text_are_where_formats_have_a_place_for_them() -> None:
    fields = {"short_title": "Short", "audience": "patients", "next_review": dt.date(2030, 1, 2)}
    article = replace(ARTICLE, translation_of="spastik", **fields)
    made = {name: one.render(revision_of(article), SITE) for name, one in formats().items()}
    node = json.loads(made["json-ld"])
    assert schema_findings(node) == []
    assert (node["alternativeHeadline"], node["audience"]["audienceType"]) == ("Short", "patients")
    assert node["translationOfWork"]["url"] == SITE.article_url("spastik")
    for name in ("html", "amp", "rss", "atom", "ninjs", "plain-text", "markdown"):
        assert b"Next review" in made[name] and b"2 January 2030" in made[name], name
    extension = json.loads(made["json-feed"])["items"][0]["_citewire"]
    assert (extension["next_review"], extension["short_title"], extension["translation_of"]) == (
        "2030-01-02",
        "Short",
        "spastik",
    )
    assert {"role": "short", "contentType": "text/plain", "value": "Short"} in json.loads(made["ninjs"])["headlines"]


_TYPE_OF: dict[TopicKind, str] = {
    "condition": "MedicalCondition",
    "drug": "Drug",
    "test": "MedicalTest",
    "procedure": "MedicalProcedure",
    "therapy": "MedicalTherapy",
    "anatomy": "AnatomicalStructure",
    "symptom": "MedicalSignOrSymptom",
    "lifestyle": "LifestyleModification",
}
