"""Read the values in a field's mapping, and the people, topics and links that they make up."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import TypeVar, get_args

from pipeline.hints import nearest
from pipeline.intake.fields.addresses import web_address
from pipeline.intake.fields.invalid_value import InvalidValue, quoted
from pipeline.intake.fields.slugs import article_id, slug
from pipeline.intake.fields.text import line
from pipeline.intake.fields.topic_kinds import kind_in_tree, topic_kind, tree_number
from pipeline.model.article import CallToAction, Image, Person, RelatedLink, Topic, TopicKind

T = TypeVar("T")

MAX_LINE = 1000  # characters of a one-line field
MAX_PIXELS = 100_000
MAX_KEYS = 100  # keys of one mapping that are read

_MESH = re.compile(r"[CD]\d{6,9}")
_CREDENTIAL = re.compile(r"[A-Za-z.\-()/ ]{1,20}")


def text_line(value: object) -> str:
    """Read a visible one-line text. Raises InvalidValue."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidValue(f"{quoted(value)} is not a text", hint="write a text")
    text = line(str(value))
    if not text:
        raise InvalidValue("the text is empty", hint="write a text, or leave the field out")
    if len(text) > MAX_LINE:
        raise InvalidValue(f"the text has {len(text):,} characters, and {MAX_LINE:,} are the most", hint="shorten it")
    return text


def person(value: object) -> Person:
    """Read "Jane Roe, MD, PhD", or a mapping of name, credentials, role, organisation and url."""
    if not isinstance(value, Mapping):
        return _person_in(text_line(value))
    keys = _Keys(value, ("name", "credentials", "role", "organisation", "url"), {"organization": "organisation"})
    parsed = _person_in(keys.required("name"))
    credentials, role = keys.text("credentials"), keys.text("role")
    organisation, url = keys.text("organisation"), keys.address("url")
    keys.check()
    return Person(parsed.name, credentials or parsed.credentials, role, organisation, url)


def topic(value: object) -> Topic:
    """Read a name, or a mapping of name, kind, slug, mesh (a MeSH descriptor), tree (its tree number) and url.

    A mapping of one kind and a name, `drug: Baclofen`, is the short form.
    """
    if isinstance(value, Mapping) and len(value) == 1 and "name" not in value:
        ((kind, name),) = value.items()
        value = {"name": name, "kind": kind} if str(kind) in get_args(TopicKind) else value
    if not isinstance(value, Mapping):
        name = text_line(value)
        return Topic(name, slug(name, otherwise="topic"))
    keys = _Keys(value, ("name", "kind", "slug", "mesh", "tree", "url"))
    name, given = keys.required("name"), keys.read("slug", article_id)
    mesh, url = keys.read("mesh", _mesh), keys.address("url")
    kind, tree = keys.read("kind", topic_kind), keys.read("tree", tree_number)
    keys.check()
    return Topic(
        name, given or slug(name, otherwise="topic"), mesh, url, kind or (kind_in_tree(tree) if tree else None)
    )


def call_to_action(value: object) -> CallToAction:
    """Read a label, or a mapping of label, url and text."""
    if not isinstance(value, Mapping):
        return CallToAction(text_line(value))
    keys = _Keys(value, ("label", "url", "text"))
    label, url, text = keys.required("label"), keys.address("url"), keys.text("text")
    keys.check()
    return CallToAction(label, url, text)


def related_link(value: object) -> RelatedLink:
    """Read a URL, or a mapping of title and url."""
    if not isinstance(value, Mapping):
        address = web_address(value)
        return RelatedLink(address, address)
    keys = _Keys(value, ("title", "url"))
    target, title = keys.address("url", missing="the link leads nowhere"), keys.text("title")
    keys.check()
    return RelatedLink(title or target or "", target or "")


def image(value: object) -> Image:
    """Read a URL, or a mapping of url (or src), alt, width, height (pixels), caption and credit."""
    if not isinstance(value, Mapping):
        return Image(web_address(value))
    keys = _Keys(value, ("url", "alt", "width", "height", "caption", "credit"), {"src": "url"})
    address, alt = keys.address("url", missing="the image has no address"), keys.text("alt")
    width, height = keys.read("width", _pixels), keys.read("height", _pixels)
    caption, credit = keys.text("caption"), keys.text("credit")
    keys.check()
    return Image(address or "", alt or "", width, height, caption, credit)


def _mesh(value: object) -> str:
    mesh = text_line(value)
    if not _MESH.fullmatch(mesh.upper()):
        raise InvalidValue(f"{quoted(mesh)} is not a MeSH id", hint='write one such as "D009128"')
    return mesh.upper()


def _pixels(value: object) -> int:
    if not isinstance(value, bool) and isinstance(value, int | str):
        digits = str(value).strip().lower().removesuffix("px")
        if digits.isascii() and digits.isdigit() and len(digits) <= 6 and 0 < int(digits) <= MAX_PIXELS:
            return int(digits)
    raise InvalidValue(f"{quoted(value)} is not a number of pixels", hint="write a whole number such as 1200")


def _person_in(text: str) -> Person:
    """Split a name from its credentials.

    The name ends at the first comma if everything after it looks like credentials: "Roe, Jane" stays a name.
    """
    name, _, rest = text.partition(",")
    pieces = [piece.strip() for piece in rest.split(",")]
    if name.strip() and all(_is_credential(piece) for piece in pieces):
        return Person(name.strip(), ", ".join(pieces))
    return Person(text)


def _is_credential(text: str) -> bool:
    return bool(_CREDENTIAL.fullmatch(text)) and sum(c.isupper() for c in text) >= 2


class _Keys:
    """Read the keys of a mapping, collecting the mistakes in any of them; `check` raises them."""

    def __init__(
        self, value: Mapping[object, object], known: tuple[str, ...], aliases: Mapping[str, str] | None = None
    ) -> None:
        self._found: dict[str, object] = {}
        self._invalid: list[InvalidValue] = []
        for key, entry in islice(value.items(), MAX_KEYS):
            name = (aliases or {}).get(str(key), str(key))
            if name in known:
                self._found[name] = entry
                continue
            message, hint = f"unknown key {quoted(key)}", nearest(str(key), known)
            self._invalid.append(InvalidValue(message, hint=hint, code="unknown-field", at=f".{key}"))

    def read(self, key: str, reader: Callable[[object], T]) -> T | None:
        """Return the value of a key, or None if it is absent, empty, or cannot be used."""
        value = self._found.get(key)
        if value is None or value == "":
            return None
        try:
            return reader(value)
        except InvalidValue as invalid:
            self._invalid.append(invalid.under(f".{key}"))
            return None

    def text(self, key: str) -> str | None:
        return self.read(key, text_line)

    def required(self, key: str) -> str:
        if self._found.get(key) in (None, ""):
            message = f"the {key} is missing"
            self._invalid.append(InvalidValue(message, hint=f"give it a {key}", code="missing-field", at=f".{key}"))
        return self.text(key) or ""

    def address(self, key: str, *, missing: str | None = None) -> str | None:
        """Return the URL of a key. `missing`: the message if the URL is required and absent."""
        if missing and self._found.get(key) in (None, ""):
            self._invalid.append(InvalidValue(missing, hint=f"give it a {key}", at=f".{key}"))
        return self.read(key, web_address)

    def check(self) -> None:
        if self._invalid:
            first, *others = self._invalid
            first.further = tuple(others)
            raise first
