"""Articles as mail: text and HTML beside each other, one article or several (RFC 5322, 2046, 2047, 8058). Pure."""

from __future__ import annotations

import base64
import hashlib
import re
import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Any

import lxml.html

from pipeline.channels.shared.page import UNSEEN, parsed, plain_text
from pipeline.model.delivery import Parcel

# 7 bits: a server on the way need know no extension. Header lines are folded.
_POLICY = SMTP.clone(cte_type="7bit")
_SUBJECT = 250  # characters
_LINE = 66  # characters, where a line can be ended between words
_WORD = 45  # bytes in an encoded word: 60 characters of base64
_ATOMS = re.compile(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]+")
_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9._-]")
_LEFT_OUT = UNSEEN - {"head", "style"}  # the page's own look stays
_SAYS = {"published": "", "updated": "Updated: ", "withdrawn": "Withdrawn: "}


@dataclass(frozen=True)
class Letterhead:
    """What all mails of a channel have in common."""

    sender: str  # an address
    name: str = ""
    reply_to: str | None = None
    digest_subject: str | None = None  # None: made of the titles
    unsubscribe: tuple[str, ...] = ()  # addresses, mailto: or https:
    one_click: bool = False  # RFC 8058: the https one takes a POST
    list_id: str | None = None

    @property
    def domain(self) -> str:
        return self.sender.rpartition("@")[2]


def message_id(parcels: Sequence[Parcel], letterhead: Letterhead) -> str:
    """The same for the same parcels at every attempt and for every recipient, so that a second copy can be told."""
    if len(parcels) == 1:
        name = _NOT_IN_AN_ID.sub("-", parcels[0].message_id)
    else:
        name = (
            "digest." + hashlib.sha256("\n".join(sorted(one.message_id for one in parcels)).encode()).hexdigest()[:32]
        )
    return f"<{name}@{letterhead.domain}>"


@dataclass(frozen=True)
class Mail:
    """A mail without its recipient."""

    head: bytes  # header lines
    body: bytes  # with the headers of its content

    def to(self, recipient: str) -> bytes:
        """As it is sent."""
        return self.head + _header("To", recipient) + self.body


def mail(parcels: Sequence[Parcel], letterhead: Letterhead, answers: Sequence[str] = ()) -> Mail:
    """One mail with all the parcels, withdrawals first. `answers`: the Message-IDs that it follows up."""
    ordered = sorted(parcels, key=lambda parcel: parcel.event != "withdrawn")
    roots = [_readable(parcel) for parcel in ordered]
    text, html = _text(ordered, roots, letterhead), _html(ordered, roots, letterhead)
    content = EmailMessage(policy=_POLICY)
    content.set_content(text)
    content.add_alternative(html, subtype="html")
    content.set_boundary("citewire-" + hashlib.sha256((text + html).encode("utf-8", "replace")).hexdigest()[:32])
    return Mail(_head(ordered, letterhead, answers), content.as_bytes())


def headline(parcel: Parcel) -> str:
    """The title on one line, with what has happened."""
    return one_line(_SAYS[parcel.event] + parcel.title)


def one_line(text: str) -> str:
    """Without what could end a header's line, at most 250 characters."""
    kept = (" " if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") else one for one in text)
    return " ".join("".join(kept).split())[:_SUBJECT].rstrip()


def _subject(parcels: Sequence[Parcel], letterhead: Letterhead) -> str:
    if len(parcels) == 1:
        return headline(parcels[0])
    return one_line(letterhead.digest_subject or f"{len(parcels)} articles: {'; '.join(map(headline, parcels))}")


# --- headers ------------------------------------------------------------------------------------------------------
# Written here and not by `email`, which decodes what looks like an encoded word when a header is set, line ends too.


def _head(parcels: Sequence[Parcel], letterhead: Letterhead, answers: Sequence[str]) -> bytes:
    name = one_line(letterhead.name)
    headers = {
        "From": f"{_phrase(name)} <{letterhead.sender}>" if name else letterhead.sender,
        "Reply-To": letterhead.reply_to,
        "Subject": _unstructured(_subject(parcels, letterhead)),
        "Date": format_datetime(max(parcel.at for parcel in parcels)),
        "Message-ID": message_id(parcels, letterhead),
        "In-Reply-To": answers[-1] if answers else None,
        "References": "\r\n ".join(answers),
        "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office replies
        "List-Id": f"<{letterhead.list_id}>" if letterhead.list_id else None,
        "List-Unsubscribe": ",\r\n ".join(f"<{address}>" for address in letterhead.unsubscribe),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" if letterhead.one_click else None,
    }
    if len(parcels) == 1:
        (only,) = parcels
        headers |= {"Citewire-Article": only.article_id, "Citewire-Revision": str(only.revision)}
        headers |= {"Citewire-Event": only.event}
    return b"".join(_header(name, value) for name, value in headers.items() if value)


def _header(name: str, value: str) -> bytes:
    return f"{name}: {value}\r\n".encode("ascii")


def _unstructured(text: str) -> str:
    """ASCII as it is, folded between words; anything else, and what could be taken for one, in encoded words."""
    if text.isascii() and "=?" not in text:
        return "\r\n ".join(textwrap.wrap(text, _LINE, break_long_words=False, break_on_hyphens=False))
    return _encoded(text)


def _phrase(name: str) -> str:
    return name if _ATOMS.fullmatch(name) and "=?" not in name else _encoded(name)


def _encoded(text: str) -> str:
    """RFC 2047: each word at most 75 characters long, and no character parted."""
    words, word = [], b""
    for character in text:
        one = character.encode()
        if len(word) + len(one) > _WORD:
            words.append(word)
            word = b""
        word += one
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(part).decode()}?=" for part in [*words, word])


# --- text ---------------------------------------------------------------------------------------------------------


def _text(parcels: Sequence[Parcel], roots: Sequence[Any], letterhead: Letterhead) -> str:
    parts = [_contents_text(parcels)] if len(parcels) > 1 else []
    for parcel, root in zip(parcels, roots, strict=True):
        heading = [headline(parcel), "=" * min(len(headline(parcel)), 70)] if len(parcels) > 1 else []
        page = [f"Read it at {parcel.links.page}"] if parcel.links and parcel.event != "withdrawn" else []
        parts += ["\n".join(heading), plain_text(root), *page]
    parts += [f"To unsubscribe: {address}" for address in letterhead.unsubscribe]
    return "\n\n".join(part for part in parts if part) + "\n"


def _contents_text(parcels: Sequence[Parcel]) -> str:
    return "\n".join(f"{number}. {headline(parcel)}" for number, parcel in enumerate(parcels, 1))


# --- HTML ---------------------------------------------------------------------------------------------------------


def _html(parcels: Sequence[Parcel], roots: Sequence[Any], letterhead: Letterhead) -> str:
    """One article's page as it is, without what mail must not hold; or several, one below the other."""
    foot = "".join(f'<p><a href="{escape(address)}">Unsubscribe</a></p>' for address in letterhead.unsubscribe)
    bodies = [_body(root) for root in roots]
    if len(parcels) > 1:
        bodies = [f"<h1>{escape(headline(one))}</h1>{body}" for one, body in zip(parcels, bodies, strict=True)]
        listed = "".join(f"<li>{escape(headline(one))}</li>" for one in parcels)
        bodies.insert(0, f"<ol>{listed}</ol>")
    style = "".join(dict.fromkeys(_style(root) for root in roots))
    title = escape(_subject(parcels, letterhead))
    language = _attributes(roots[0]) if len(parcels) == 1 else ""
    return (
        f'<!DOCTYPE html>\n<html{language}><head><meta charset="utf-8"><title>{title}</title>{style}</head>'
        f"<body>{'<hr>'.join(bodies)}{foot}</body></html>\n"
    )


def _readable(parcel: Parcel) -> Any | None:
    """The page without what is no use in a mail: scripts, forms, menus, buttons to share it.

    Links within the page lead to the page itself, for mail programs drop anchors.
    """
    root = parsed(parcel.rendition.body)
    if root is None:
        return None
    of_the_page = root.xpath("//*[@class='skip' or @class='share']")
    for element in [*root.iter(*_LEFT_OUT), *of_the_page]:
        if element.getparent() is not None:
            element.drop_tree()
    for image in list(root.iter("amp-img")):
        image.tag = "img"
    page = parcel.links.page if parcel.links else ""
    for link in root.iterfind(".//a[@href]"):
        if link.get("href").startswith("#") and page:
            link.set("href", page + link.get("href"))
    return root


def _body(root: Any) -> str:
    body = None if root is None else root.find("body")
    if body is None:
        return ""
    inner = "".join(lxml.html.tostring(child, encoding="unicode") for child in body)
    return escape(body.text or "") + inner


def _style(root: Any) -> str:
    found = [] if root is None else root.xpath("//style[not(@amp-boilerplate)]")
    return "".join(f"<style>{style.text or ''}</style>" for style in found)


def _attributes(root: Any) -> str:
    named = {} if root is None else {name: root.get(name) for name in ("lang", "dir") if root.get(name)}
    return "".join(f' {name}="{escape(value)}"' for name, value in named.items())
