"""What a topic is, in the words of schema.org, for formats that have a place for it."""

from __future__ import annotations

from pipeline.model.article import Article, Topic

NEUTRAL = "MedicalEntity"
_TYPES = {
    "condition": "MedicalCondition",
    "drug": "Drug",
    "test": "MedicalTest",
    "procedure": "MedicalProcedure",
    "therapy": "MedicalTherapy",
    "anatomy": "AnatomicalStructure",
    "symptom": "MedicalSignOrSymptom",
    "lifestyle": "LifestyleModification",
}

Category = tuple[str, str, str | None]  # term, label, scheme


def schema_type(topic: Topic) -> str:
    """Return schema.org's type of a topic; the neutral one if its kind is not known."""
    return _TYPES.get(topic.kind or "", NEUTRAL)


def kind_address(topic: Topic) -> str | None:
    """Return the address of a topic's type at schema.org, or None if its kind is not known."""
    return f"https://schema.org/{schema_type(topic)}" if topic.kind else None


def categories(article: Article) -> tuple[Category, ...]:
    """Return a feed entry's categories: what each topic is called, and the scheme that says what it is."""
    return tuple((topic.slug, topic.name, kind_address(topic)) for topic in article.topics)
