"""What kind of thing a topic is, from the author's file to schema.org's type."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from articles import ARTICLE, SITE, revision_of
from judges.schema_org import schema_findings
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
