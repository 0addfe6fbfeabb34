"""Authors and reviewers, with their credentials."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.model.article import Person
from pipeline.renditions.parts.markup import link_html
from pipeline.renditions.parts.text import escape


def person_text(person: Person) -> str:
    """Return `Jane Doe, MD, PhD, Neurologist, Example Hospital`."""
    return ", ".join(part for part in (person.name, person.credentials, person.role, person.organisation) if part)


def name_text(person: Person) -> str:
    """Return `Jane Doe, MD, PhD`, for formats that only have a name."""
    return ", ".join(part for part in (person.name, person.credentials) if part)


def people_html(people: Iterable[Person]) -> str:
    """Return people separated by semicolons, because credentials contain commas. A name with an address is a link."""
    return "; ".join(map(_person_html, people))


def _person_html(person: Person) -> str:
    rest = (person.credentials, person.role, person.organisation)
    return ", ".join([link_html(person.url, escape(person.name)), *(escape(part) for part in rest if part)])
