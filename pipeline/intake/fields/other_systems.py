"""Read front matter as Hugo, Jekyll, Ghost and WordPress exporters write it, the way its authors meant it.

Keys that mean one of ours are translated, keys that only concern that system's site are left out with a warning, and
articles that are not meant for the public (a draft, a private or members-only post) are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from pipeline.intake.fields.invalid_value import InvalidValue

SAME = {
    "license": "licence",
    "date": "published",
    "publishdate": "published",
    "published_at": "published",
    "lastmod": "modified",
    "last_modified_at": "modified",
    "updated": "modified",
    "updated_at": "modified",
    "author": "authors",
    "reviewer": "reviewers",
    "slug": "id",
    "description": "summary",
    "excerpt": "summary",
    "custom_excerpt": "summary",
    "meta_description": "summary",
    "lang": "language",
    "canonical_url": "canonical",
    "canonicalurl": "canonical",
    "feature_image": "image",
    "featured_image": "image",
    "linktitle": "short_title",
}  # their key in lower case: our key
TOPICS = ("tags", "tag", "categories", "category", "keywords")  # combined, they are the topics
IGNORED = frozenset({
    "layout", "permalink", "url", "aliases", "weight", "menu", "menus", "type", "post_type", "template", "toc",
    "comments", "comment_status", "featured", "sticky", "pin", "math", "mermaid", "series", "outputs", "cascade",
    "params", "extra", "sitemap", "resources", "build", "_build", "markup", "iscjklanguage", "headless", "guid",
    "post_id", "uuid", "comment_id", "plaintext", "html", "redirect_from", "subtitle", "cover", "thumbnail", "header",
    "feature_image_alt", "feature_image_caption", "codeinjection_head", "codeinjection_foot", "og_title",
    "og_description", "og_image", "twitter_title", "twitter_description", "twitter_image", "meta_title", "created_at",
})  # fmt: skip
_JEKYLL = ("layout", "permalink")  # a page with one of them is Jekyll's, where a text of tags is separated by spaces
_PUBLIC = frozenset({"published", "publish", "public", "future", "scheduled", "inherit"})
_YES, _NO = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})
_UNCATEGORISED = frozenset({"uncategorized", "uncategorised"})  # the category that WordPress gives a post without one


def translated(key: str) -> str:
    """Return our name for a key of another system; any other key unchanged."""
    return SAME.get(key.lower(), key)


def not_public(values: Mapping[str, object]) -> tuple[str, InvalidValue] | None:
    """Return the key that says that the article is not public, with the error; None if it is public."""
    for key, value in values.items():
        word = str(value).strip().lower()
        match key.lower():
            case "draft" if word not in _NO and value is not None:
                why = None if word in _YES else f"{word[:60]!r} is neither true nor false"
                return key, InvalidValue(why, hint="write true or false") if why else _draft("a draft")
            case "published" if word in _NO:
                return key, _draft("not published")
            case "status" | "visibility" if word not in _PUBLIC:
                return key, _draft(word[:60] or "without a value")
            case "password" if word:
                return key, _draft("protected by a password")
    return None


def describes_visibility(key: str, value: object) -> bool:
    """Return whether a key only holds what `not_public` reads."""
    name = key.lower()
    word = str(value).strip().lower()
    return name in ("draft", "status", "visibility", "password") or (name == "published" and word in _YES)


def topics_of(values: Mapping[str, object]) -> list[object]:
    """Return the tags and categories, each once, in order."""
    by_space = any(key in values for key in _JEKYLL)
    found: dict[str, object] = {}
    for name in TOPICS:
        for entry in _entries(values.get(name), by_space=by_space):
            if str(entry).strip().lower() not in _UNCATEGORISED:
                found.setdefault(str(entry).casefold(), entry)
    return list(found.values())


def _entries(value: object, *, by_space: bool) -> Iterator[object]:
    if isinstance(value, str):
        yield from (part.strip() for part in re.split(r"[,\s]+" if by_space else ",", value) if part.strip())
    elif isinstance(value, Sequence):
        yield from (entry for entry in value if entry not in (None, ""))
    elif value is not None:
        yield value


def _draft(what: str) -> InvalidValue:
    hint = "publish it when it is ready; what was published before stays, and `citewire withdraw` takes it back"
    return InvalidValue(f"the article is {what}", code="draft", hint=hint)
