"""The same article in its four source forms is the same `Article`."""

from __future__ import annotations

import json

import pytest

from pipeline.intake import read_article
from pipeline.model.article import Article, Note

MARKDOWN_BODY = """Most people wake at night [1].

If it troubles you, this helps.

## Why Does It Happen?

Common reasons include:

- Stress
  - at work
  - at home
- Alcohol

### Sleep Stages

Sleep comes in cycles [1,3].

## What Can You Do?

### 1. Keep Regular Hours

Do it in this order:

1. get up
2. go out
3. go to bed

### 2. Leave the Bed

Important: Sleeping tablets are no habit. They can cause:

- falls
- confusion

## When Should You Seek Medical Attention?

Speak to a doctor immediately if you notice:

- pauses in breathing
- chest pain

Consider the Insomnia symptom checker. It is no diagnosis.
"""

FIELDS = {
    "title": "Waking at Night: What Helps & When to Worry",
    "summary": "Waking is common.\n\nIt is worth a visit if it lasts.",
    "published": "2026-03-09",
    "modified": "2026-03-10",
    "reviewed": "2026-03-11",
    "authors": ["Jane Roe, MD"],
    "reviewers": ["Amir Haddad, MD, FAAN"],
    "topics": ["Insomnia"],
    "calls_to_action": [
        {"label": "Insomnia symptom checker", "text": "Consider the Insomnia symptom checker."},
    ],
    "disclaimer": "Purpose and positioning of services: This service is for informational purposes.",
    "references": [123, "https://pubmed.ncbi.nlm.nih.gov/456/", "10.1000/sleep.1", 123],
}

TEXT = """Doctors Note Logo

Published on: 3/9/2026

Updated on: March 10, 2026

Reviewed on: 2026-03-11

Written by: Jane Roe, MD

Medically reviewed by: Amir Haddad, MD, FAAN

Waking at Night: What Helps & When to Worry

Waking is common.

It is worth a visit if it lasts.

answer background

Explanation

Waking at Night: What Helps & When to Worry

Most people wake at night [1].

If it troubles you, this helps.


Why Does It Happen?

Common reasons include:

  • Stress
      • at work
      • at home
  • Alcohol

Sleep Stages

Sleep comes in cycles [1,3].


What Can You Do?

1. Keep Regular Hours

Do it in this order:

  1. get up
  2. go out
  3. go to bed

2. Leave the Bed

Important: Sleeping tablets are no habit. They can cause:

  • falls
  • confusion


When Should You Seek Medical Attention?

Speak to a doctor immediately if you notice:

  • pauses in breathing
  • chest pain

Consider the Insomnia symptom checker. It is no diagnosis.

(References)

  • * pubmed.ncbi.nlm.nih.gov/123/

  • PMID: 456

  • doi: 10.1000/Sleep.1

  • * pubmed.ncbi.nlm.nih.gov/123/

Tell your friends about us.

Learn more about diseases

Insomnia

Was this page helpful?

Purpose and positioning of servicesThis service is for informational purposes.
"""


def front_matter() -> str:
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in FIELDS.items())


def html_page() -> str:
    node = {
        "@context": "https://schema.org",
        "@type": "MedicalWebPage",
        "headline": FIELDS["title"],
        "datePublished": FIELDS["published"],
        "dateModified": FIELDS["modified"],
        "lastReviewed": FIELDS["reviewed"],
        "author": {"@type": "Person", "name": "Jane Roe", "honorificSuffix": "MD"},
        "reviewedBy": {"@type": "Person", "name": "Amir Haddad", "honorificSuffix": "MD, FAAN"},
        "about": {"@type": "MedicalEntity", "name": "Insomnia"},
        "inLanguage": "en",
        "usageInfo": FIELDS["disclaimer"],
        "potentialAction": {
            "@type": "Action",
            "name": "Insomnia symptom checker",
            "description": "Consider the Insomnia symptom checker.",
        },
        "citation": [
            {"@type": "ScholarlyArticle", "identifier": {"propertyID": "pmid", "value": "123"}},
            {"@type": "ScholarlyArticle", "sameAs": "https://pubmed.ncbi.nlm.nih.gov/456/"},
            {"@type": "ScholarlyArticle", "sameAs": "https://doi.org/10.1000/sleep.1"},
            {"@type": "ScholarlyArticle", "identifier": {"propertyID": "pmid", "value": "123"}},
        ],
    }  # fmt: skip
    body = """
<h1>Waking at Night: What Helps &amp; When to Worry</h1>
<p>Most people wake at night <a href="#r1">[1]</a>.</p><p>If it troubles you, this helps.</p>
<section><h2>Why Does It Happen?</h2><p>Common reasons include:</p>
<ul><li>Stress<ul><li>at work</li><li>at home</li></ul></li><li>Alcohol</li></ul>
<h3>Sleep Stages</h3><p>Sleep comes in cycles [<a href="#r1">1</a>,<a href="#r3">3</a>].</p></section>
<section><h2>What Can You Do?</h2><h3>1. Keep Regular Hours</h3><p>Do it in this order:</p>
<ol><li>get up</li><li>go out</li><li>go to bed</li></ol>
<h3>2. Leave the Bed</h3><aside class="note note-important"><p>Important: Sleeping tablets are no habit. They can
cause:</p><ul><li>falls</li><li>confusion</li></ul></aside></section>
<h2>When Should You Seek Medical Attention?</h2>
<p>Speak to a doctor immediately if you notice:</p><ul><li>pauses in breathing</li><li>chest pain</li></ul>
<p>Consider the Insomnia symptom checker. It is no diagnosis.</p>
"""
    summary = "Waking is common.\n\nIt is worth a visit if it lasts."
    return (
        f'<!doctype html><html lang="en"><head><title>x</title>'
        f'<script type="application/ld+json">{json.dumps(node | {"abstract": summary})}</script></head>'
        f"<body><nav>Menu</nav><main>{body}</main></body></html>"
    )


SOURCES = {
    "a.md": f"---\n{front_matter()}---\n{MARKDOWN_BODY}",
    "a.json": json.dumps({**FIELDS, "body": MARKDOWN_BODY}),
    "a.html": html_page(),
    "a.txt": TEXT,
}


def read(name: str) -> Article:
    return read_article(SOURCES[name].encode(), name=name)


@pytest.mark.parametrize("name", ["a.json", "a.html", "a.txt"])
def test_each_form_gives_the_article_that_markdown_gives(name: str) -> None:
    assert read(name) == read("a.md")


def test_the_article_has_all_that_the_forms_hold() -> None:
    article = read("a.md")
    assert [work.value for work in article.references] == ["123", "456", "10.1000/sleep.1"]
    steps = article.sections[1].sections
    assert [section.heading for section in steps] == ["1. Keep Regular Hours", "2. Leave the Bed"]
    notes = [b for s in (steps[1], article.sections[2]) for b in s.blocks if isinstance(b, Note)]
    assert [note.kind for note in notes] == ["important", "urgent"]
    assert article.reviewers[0].credentials == "MD, FAAN"
