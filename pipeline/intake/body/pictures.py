"""Images and their captions."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from lxml import etree

from pipeline.intake.body.inlines import text_of
from pipeline.intake.fields.addresses import link_address
from pipeline.intake.fields.text import line
from pipeline.intake.fields.values import MAX_PIXELS
from pipeline.model.article import Block, Image, Paragraph, Quotation, Table, Text

_CREDIT = re.compile(r"(?:image |photo )?(?:credit|photo|source|©)s?\s*:?\s+", re.IGNORECASE)


def picture(element: etree._Element, base: str | None) -> Image | None:
    """Return the image of an `img`, or None if its address is not usable."""
    src = link_address(element.get("src") or "", base)
    if src is None or src.startswith("mailto:"):
        return None
    return Image(
        src,
        alt=line(element.get("alt") or ""),
        width=_pixels(element.get("width")),
        height=_pixels(element.get("height")),
        caption=line(element.get("title") or "") or None,
    )


def captioned(blocks: Sequence[Block], caption: etree._Element) -> list[Block]:
    """Return a figure's blocks with the caption on the block that it describes, or below if that cannot hold one."""
    text, credit = _caption(caption)
    out = list(blocks)
    for place, block in enumerate(out):
        match block:
            case Image():
                out[place] = msgspec.structs.replace(block, caption=text or block.caption, credit=credit)
                return out
            case Table(rows, None):
                out[place] = Table(rows, _both(text, credit))
                return out
            case Quotation(inside, None):
                out[place] = Quotation(inside, _both(text, credit))
                return out
    if words := _both(text, credit):
        out.append(Paragraph((Text(words),)))
    return out


def _caption(element: etree._Element) -> tuple[str | None, str | None]:
    """Return the caption, and the credit if it has an element of its own."""
    whole = text_of(element)
    for child in element.iter("small", "cite", "span"):
        credit = text_of(child)
        if credit and (child.tag != "span" or "credit" in (child.get("class") or "")):
            rest = line(whole.replace(credit, " ", 1))
            return rest or None, _CREDIT.sub("", credit, count=1) if _CREDIT.match(credit) else credit
    return whole or None, None


def _both(text: str | None, credit: str | None) -> str | None:
    return " ".join(part for part in (text, credit) if part) or None


def _pixels(value: str | None) -> int | None:
    digits = (value or "").strip().removesuffix("px")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 6):
        return None
    return int(digits) if 0 < int(digits) <= MAX_PIXELS else None
