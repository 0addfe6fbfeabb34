"""Convert what an article cannot hold: embeds become links, lazy images plain ones, and the rest gets a warning."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from lxml import etree

from pipeline.intake.body.elements import take_out, text_in
from pipeline.intake.fields.addresses import link_address
from pipeline.intake.fields.invalid_value import InvalidValue, quoted
from pipeline.intake.fields.text import line, same
from pipeline.intake.sources.html_page.selection import EMBED

_EMBEDS = ("iframe", "video", "audio", "object", "embed")
_SOURCES = ("data-src", "data-lazy-src", "data-original", "data-orig-file", "data-hi-res-src")
_SRCSETS = ("srcset", "data-srcset", "data-lazy-srcset")
_DRAWN = "data-drawn"  # the title of an SVG drawing
_CALLS = ("tel:", "sms:")
_NAMES = {"iframe": "embedded page", "object": "embedded page", "embed": "embedded page"}
_FILE_NAME = re.compile(
    r"(?:[^\W_]|\.)++(?:[-_]++(?:[^\W_]|\.)++){2,}|[\w-]+\.(?:jpe?g|png|gif|webp|avif|svg)", re.IGNORECASE
)
_MOST = 20  # warnings of each kind: a page with a thousand links need not produce a thousand lines

Warn = Callable[[InvalidValue], None]


def prepare(body: etree._Element, base: str | None, *, title: str) -> None:
    """Replace what an article cannot hold with what it can, before anything is removed."""
    images = list(body.iter("img"))
    for image in images:
        _load(image)
    _remove_empty_descriptions(images, title)
    for noscript in list(body.iter("noscript")):
        _unwrap_images(noscript)
    for svg in list(body.iter("svg")):
        _name_drawing(svg)
    for embed in list(body.iter(*_EMBEDS)):
        _link(embed, base)
    for link in body.iter("a"):
        _write_number(link)


def warn_of(article: etree._Element, base: str | None, warn: Warn) -> None:
    """Warn about what is left out of the chosen article."""
    for invalid in _all(article, base):
        warn(invalid)


def _all(article: etree._Element, base: str | None) -> Iterator[InvalidValue]:
    embeds = [one for one in article.iter("p") if one.get("class") == EMBED]
    for embed in embeds[:_MOST]:
        yield _left_out(f"{quoted(line(text_in(embed)))}, of which a link is kept", code="embed-left-out")
    images = [image for image in article.iter("img") if _is_lost(image, base)]
    for image in images[:_MOST]:
        name = image.get("alt") or image.get("src") or ""
        yield _left_out(f"the image {quoted(name)}, which has no address that can be kept", code="image-left-out")
    drawings = [title for svg in article.iter("svg") if (title := svg.get(_DRAWN))]
    for title in drawings[:_MOST]:
        yield _left_out(f"the drawing {quoted(title)} (SVG in the page)", code="image-left-out")
    links = [link.get("href") or "" for link in article.iter("a")]
    if lost := [href for href in links if _is_relative(href, base)]:
        message = f"left out: the targets of {len(lost)} relative link{'s' * (len(lost) > 1)} such as {quoted(lost[0])}"
        hint = "give the page its address: <link rel=canonical href=…>"
        yield InvalidValue(message, code="link-left-out", hint=hint)


def _left_out(message: str, *, code: str) -> InvalidValue:
    return InvalidValue(f"left out: {message}", code=code, hint="link it, or describe it in the text")


def _load(image: etree._Element) -> None:
    """Give a lazy image the URL that a script would have given it."""
    src = (image.get("src") or "").strip()
    if src and not src.lower().startswith("data:"):
        return
    sets = [*(image.get(name) for name in _SRCSETS), *_picture_sets(image)]
    given = [*(image.get(name) for name in _SOURCES), *map(_largest, filter(None, sets))]
    if found := next((one for one in given if one and not one.startswith("data:")), None):
        image.set("src", found)


def _remove_empty_descriptions(images: list[etree._Element], title: str) -> None:
    """Remove descriptions that describe nothing: a file name, the page's title, or the same text as another image's."""
    address_of = {title: ""}
    for image in images:
        alt = line(image.get("alt") or "")
        address = image.get("src") or ""
        if _FILE_NAME.fullmatch(alt) or same(alt, title) or address_of.setdefault(alt, address) != address:
            image.set("alt", "")
        if same(image.get("title") or "", title):
            image.set("title", "")


def _picture_sets(image: etree._Element) -> list[str | None]:
    picture = image.getparent()
    if picture is None or picture.tag != "picture":
        return []
    return [source.get("srcset") or source.get("data-srcset") for source in picture.iter("source")]


def _largest(srcset: str) -> str:
    """Return the URL with the largest descriptor ("a-640.jpg 640w, a-1280.jpg 1280w")."""
    candidates = [candidate.split() for candidate in re.split(r",\s+", srcset.strip()) if candidate.strip()]
    return max(candidates, key=_size, default=[""])[0].rstrip(",")


def _size(candidate: list[str]) -> float:
    digits = candidate[1][:-1] if len(candidate) > 1 else "1"
    return float(digits) if re.fullmatch(r"\d{1,6}(?:\.\d{1,3})?", digits) else 0.0


def _unwrap_images(noscript: etree._Element) -> None:
    """Keep what is shown without scripts if the image that it replaces has no URL."""
    before, image = noscript.getprevious(), next(iter(noscript.iter("img")), None)
    if image is None or _is_tiny(image):
        return
    if before is None or before.tag != "img":
        if image.get("alt"):
            image.tail = None
            noscript.addprevious(image)
    elif (before.get("src") or "data:").startswith("data:"):
        before.set("src", image.get("src") or "")


def _link(embed: etree._Element, base: str | None) -> None:
    """Replace an embed with a link to it, marked so that a warning is given if it is part of the article."""
    address = link_address(_address(embed), base)
    if address is None or not address.startswith("http") or _is_tiny(embed):
        take_out(embed)
        return
    name = line(embed.get("title") or embed.get("aria-label") or "")
    kind = _NAMES.get(str(embed.tag), str(embed.tag))
    link = etree.Element("a", href=address)
    link.text = name or f"{kind.capitalize()} on {urlsplit(address).hostname}"
    tail = embed.tail
    for child in list(embed):
        embed.remove(child)
    embed.attrib.clear()
    embed.tag, embed.text, embed.tail = "p", None, tail
    embed.set("class", EMBED)
    embed.append(link)


def _address(embed: etree._Element) -> str:
    given = embed.get("src") or embed.get("data-src") or embed.get("data")
    sources = (source.get("src") for source in embed.iter("source"))
    return given or next((src for src in sources if src), "")


def _is_tiny(embed: etree._Element) -> bool:
    """Return whether it is a tracking pixel or similar: at most a few pixels in one direction, or hidden."""
    sizes = ((embed.get(name) or "").removesuffix("px") for name in ("width", "height"))
    tiny = any(size.isascii() and size.isdigit() and len(size) < 6 and int(size) <= 10 for size in sizes)
    return tiny or embed.get("hidden") is not None or "display:none" in (embed.get("style") or "").replace(" ", "")


def _write_number(link: etree._Element) -> None:
    """Write the phone number of a link into its text, because an article has no such links."""
    href = (link.get("href") or "").strip()
    if not href.lower().startswith(_CALLS):
        return
    number = re.split("[?;]", href[4:])[0].strip()[:30]
    if re.sub(r"\D", "", number) and re.sub(r"\D", "", number) not in re.sub(r"\D", "", text_in(link)):
        last = link[-1] if len(link) else None
        if last is None:
            link.text = f"{link.text or ''} ({number})"
        else:
            last.tail = f"{last.tail or ''} ({number})"


def _is_lost(image: etree._Element, base: str | None) -> bool:
    described = bool(line(image.get("alt") or ""))
    return link_address(image.get("src") or "", base) is None and (described or bool(image.get("src")))


def _name_drawing(svg: etree._Element) -> None:
    """Keep only the title of a drawing; an icon has none."""
    texts = (line(text_in(inner)) for inner in svg.iter("title", "text"))
    title = next((text for text in texts if text), "")
    for inner in list(svg.iter("title", "text", "desc")):  # an unclosed svg contains the rest of the page too
        take_out(inner)
    svg.set(_DRAWN, title)


def _is_relative(href: str, base: str | None) -> bool:
    href = href.strip()
    named = re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", href)
    return bool(href) and not href.startswith("#") and named is None and link_address(href, base) is None
