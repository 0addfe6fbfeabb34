"""The pieces that a mapping in a field is made of, and the people, topics and links that they make."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from pipeline.hints import nearest
from pipeline.intake.fields.addresses import web_address
from pipeline.intake.fields.invalid_value import InvalidValue, quoted
from pipeline.intake.fields.slugs import article_id, slug
from pipeline.intake.fields.text import line
from pipeline.model.article import CallToAction, Image, Person, RelatedLink, Topic

T = TypeVar("T")

MAX_LINE = 1000  # characters of a one-line field
MAX_PIXELS = 100_000

_MESH = re.compile(r"[CD]\d{6,9}")
_CREDENTIAL = re.compile(r"[A-Za-z.\-()/ ]{1,20}")


def text_line(value: object) -> str:
    """A visible one-line text. Raises InvalidValue."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidValue(f"{quoted(value)} is not a text", hint="write a text")
    text = line(str(value))
    if not text:
        raise InvalidValue("the text is empty", hint="write a text, or leave the field out")
    if len(text) > MAX_LINE:
        raise InvalidValue(f"the text has {len(text):,} characters, and {MAX_LINE:,} are the most", hint="shorten it")
    return text


def person(value: object) -> Person:
    """ "Jane Roe, MD, PhD", or a mapping of name, credentials, role, organisation and url."""
    if not isinstance(value, Mapping):
        return _person_in(text_line(value))
    found = _entries(value, ("name", "credentials", "role", "organisation", "url"), {"organization": "organisation"})
    parsed = _person_in(_required(found, "name"))
    return Person(
        name=parsed.name,
        credentials=_text(found, "credentials") or parsed.credentials,
        role=_text(found, "role"),
        organisation=_text(found, "organisation"),
        url=_address(found, "url"),
    )


def topic(value: object) -> Topic:
    """A name, or a mapping of name, slug, mesh (a MeSH descriptor) and url."""
    if not isinstance(value, Mapping):
        name = text_line(value)
        return Topic(name, slug(name, otherwise="topic"))
    found = _entries(value, ("name", "slug", "mesh", "url"))
    name = _required(found, "name")
    mesh = _text(found, "mesh")
    if mesh and not _MESH.fullmatch(mesh.upper()):
        raise InvalidValue(f"{quoted(mesh)} is not a MeSH id", hint='write one such as "D009128"', at=".mesh")
    given = _text(found, "slug")
    return Topic(
        name,
        _at(".slug", article_id, given) if given else slug(name, otherwise="topic"),
        mesh.upper() if mesh else None,
        _address(found, "url"),
    )


def call_to_action(value: object) -> CallToAction:
    """A label, or a mapping of label, url and text."""
    if not isinstance(value, Mapping):
        return CallToAction(text_line(value))
    found = _entries(value, ("label", "url", "text"))
    return CallToAction(_required(found, "label"), _address(found, "url"), _text(found, "text"))


def related_link(value: object) -> RelatedLink:
    """An address, or a mapping of title and url."""
    if not isinstance(value, Mapping):
        address = web_address(value)
        return RelatedLink(address, address)
    found = _entries(value, ("title", "url"))
    target = _address(found, "url")
    if target is None:
        raise InvalidValue("the link leads nowhere", hint="give it a url", at=".url")
    return RelatedLink(_text(found, "title") or target, target)


def image(value: object) -> Image:
    """An address, or a mapping of url (or src), alt, width, height (pixels), caption and credit."""
    if not isinstance(value, Mapping):
        return Image(web_address(value))
    found = _entries(value, ("url", "alt", "width", "height", "caption", "credit"), {"src": "url"})
    address = _address(found, "url")
    if address is None:
        raise InvalidValue("the image has no address", hint="give it a url", at=".url")
    return Image(
        address,
        _text(found, "alt") or "",
        _at(".width", _pixels, found.get("width")),
        _at(".height", _pixels, found.get("height")),
        _text(found, "caption"),
        _text(found, "credit"),
    )


def _pixels(value: object) -> int | None:
    if value is None or value == "":
        return None
    if not isinstance(value, bool) and isinstance(value, int | str):
        digits = str(value).strip().lower().removesuffix("px")
        if digits.isascii() and digits.isdigit() and len(digits) <= 6 and 0 < int(digits) <= MAX_PIXELS:
            return int(digits)
    raise InvalidValue(f"{quoted(value)} is not a number of pixels", hint="write a whole number such as 1200")


def _person_in(text: str) -> Person:
    """The name ends at the first comma if all that follows looks like credentials: "Roe, Jane" stays a name."""
    name, _, rest = text.partition(",")
    pieces = [piece.strip() for piece in rest.split(",")]
    if name.strip() and all(_is_credential(piece) for piece in pieces):
        return Person(name.strip(), ", ".join(pieces))
    return Person(text)


def _is_credential(text: str) -> bool:
    return bool(_CREDENTIAL.fullmatch(text)) and sum(c.isupper() for c in text) >= 2


def _entries(
    value: Mapping[object, object], known: tuple[str, ...], aliases: Mapping[str, str] | None = None
) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, entry in value.items():
        name = (aliases or {}).get(str(key), str(key))
        if name not in known:
            raise InvalidValue(
                f"unknown key {quoted(key)}", hint=nearest(str(key), known), code="unknown-field", at=f".{key}"
            )
        found[name] = entry
    return found


def _text(found: Mapping[str, object], key: str) -> str | None:
    value = found.get(key)
    return None if value is None or value == "" else _at(f".{key}", text_line, value)


def _required(found: Mapping[str, object], key: str) -> str:
    text = _text(found, key)
    if text is None:
        raise InvalidValue(f"the {key} is missing", hint=f"give it a {key}", code="missing-field", at=f".{key}")
    return text


def _address(found: Mapping[str, object], key: str) -> str | None:
    value = found.get(key)
    return None if value is None or value == "" else _at(f".{key}", web_address, value)


def _at(path: str, read: Callable[[object], T], value: object) -> T:
    try:
        return read(value)
    except InvalidValue as error:
        raise error.under(path) from error
