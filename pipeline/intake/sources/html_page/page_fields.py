"""Read an article's fields from its page: JSON-LD first, then meta tags, microdata and `time` elements."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from pipeline.intake.fields.addresses import link_address
from pipeline.intake.fields.entries import names_work
from pipeline.intake.fields.identifiers import MAX_REFERENCES
from pipeline.intake.fields.invalid_value import quoted
from pipeline.intake.sources.html_page.json_ld import fields_of
from pipeline.intake.sources.html_page.microdata import microdata_fields
from pipeline.intake.sources.html_page.page_dates import iso, marked_dates
from pipeline.intake.sources.html_page.page_meta import meta_fields
from pipeline.intake.sources.html_page.titles import page_title


@dataclass(frozen=True)
class PageFields:
    """The fields under the names that Fields expects, and what else the page says about itself.

    `body` is the article's text if the page holds it as data (`articleBody`), `description` what the page tells search
    engines about itself. `dates` lists each date that is not in ISO 8601: the field's name and how it was read.
    """

    values: dict[str, object]
    base: str | None
    body: str
    description: str
    dates: tuple[tuple[str, str], ...] = ()


def page_fields(tree: etree._Element) -> PageFields:
    """Read all fields, resolving URLs against the page's own."""
    sources: list[dict[str, object]] = [
        fields_of(_json_ld_scripts(tree)),
        meta_fields(tree),
        microdata_fields(tree),
        dict(marked_dates(tree)),
    ]
    found = {name: value for source in reversed(sources) for name, value in source.items()}
    base = _base(tree) or _absolute(found.get("canonical"))
    titles = [str(source["title"]) for source in sources if source.get("title")]
    found["title"] = page_title(tree, titles, site=str(found.pop("site", "")), address=base or "")
    language = str(found.get("language") or "")
    notes = list[tuple[str, str]]()
    for name in ("published", "modified", "reviewed"):
        if isinstance(value := found.get(name), str) and (read := iso(value, language)) != value:
            notes.append((name, f"{quoted(value)} is read as {read}"))
            found[name] = read
    body, description = str(found.pop("article_body", "")), str(found.pop("description", ""))
    found["references"] = _references(found.get("references"))
    for name in ("canonical", "image"):
        found[name] = _resolved(found.get(name), base)
    for name in ("authors", "reviewers", "topics", "calls_to_action", "related"):
        entries = found.get(name)
        found[name] = [_resolved(entry, base, name) for entry in entries] if isinstance(entries, list) else entries
    values = {name: value for name, value in found.items() if value}
    return PageFields(values, base, body, description, tuple(notes))


def _json_ld_scripts(tree: etree._Element) -> list[str]:
    return [script.text or "" for script in tree.iter("script") if _is_json_ld(script)]


def _is_json_ld(script: etree._Element) -> bool:
    return (script.get("type") or "").partition(";")[0].strip().lower() == "application/ld+json"


def _base(tree: etree._Element) -> str | None:
    canonical = (link.get("href") for link in tree.iter("link") if (link.get("rel") or "").lower() == "canonical")
    given = (base.get("href") for base in tree.iter("base"))
    addresses = (link_address(href) for href in (*given, *canonical) if href)
    return next((address for address in addresses if address), None)


def _absolute(value: object) -> str | None:
    return link_address(value) if isinstance(value, str) else None


def _references(entries: object) -> object:
    """Return the references that name a work; a page may well cite a book by its title alone."""
    if not isinstance(entries, list):
        return None
    return [one for one in entries[: MAX_REFERENCES + 1] if isinstance(one, dict) or names_work(str(one))]


def _resolved(value: object, base: str | None, field: str = "") -> object:
    """Return a value with its URL made absolute, or left out if that is not possible."""
    if isinstance(value, str):
        return (link_address(value, base) or "") if field in ("", "related") else value
    if not isinstance(value, dict) or "url" not in value:
        return value
    address = link_address(str(value["url"]), base)
    without = {key: entry for key, entry in value.items() if key != "url"}
    if address is None:
        return without if field else None
    return {**without, "url": address}
