"""Compose mails from articles, with text and HTML alternatives (RFC 5322, 2046, 2047, 8058). No I/O."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Annotated

import msgspec
from msgspec import Struct
from pydantic import Field, StringConstraints, field_validator, model_validator

from pipeline.channels.shared.settings import ChannelSettings
from pipeline.model.article import direction_of
from pipeline.model.delivery import Parcel
from pipeline.validation import form
from pipeline.wording import ENGLISH, Words, message, words_in_any_case

# 7bit, so that no server on the way needs to support an extension.
_POLICY = SMTP.clone(cte_type="7bit")
_SUBJECT = 250  # characters
_LINE = 66  # characters
_WORD = 75  # characters in an encoded word, at most (RFC 2047, section 2)
_ATOMS = re.compile(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]+")
_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9._-]")
_STYLE = (
    "body{margin:0 auto;max-width:40rem;padding:1rem;font:1rem/1.6 system-ui,sans-serif;overflow-wrap:anywhere}"
    "h1,h2,h3{line-height:1.25}img{max-width:100%;height:auto}"
    "table{border-collapse:collapse}td,th{border:1px solid;padding:.25rem .5rem;text-align:start}"
)
_SAYS = {"updated": message("Updated: {title}"), "withdrawn": message("Withdrawn: {title}")}


MailAddress = Annotated[
    str,
    StringConstraints(max_length=254),
    form(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}", "must be a mail address like desk@example.org"),
]
Line = Annotated[
    str,
    StringConstraints(max_length=200),
    form(r"[^\x00-\x1f\x7f\u2028\u2029]*", "must be a line without control characters"),
]


class Letterhead(ChannelSettings):
    """The settings for what all mails of a channel have in common."""

    sender: MailAddress
    sender_name: Line = ""
    reply_to: MailAddress | None = None
    digest_subject: Line | None = None  # None: composed from the titles
    unsubscribe: tuple[Annotated[str, StringConstraints(max_length=900)], ...] = ()
    one_click: bool = False  # RFC 8058: the https address accepts a POST
    list_id: Annotated[
        str | None, Field(max_length=253), form(r"[A-Za-z0-9.-]+", "must be letters, digits, . and -")
    ] = None

    @field_validator("unsubscribe")
    @classmethod
    def _addresses(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        for address in addresses:
            if not address.startswith(("https://", "mailto:")) or set(address) & set("<>, ") or not address.isascii():
                raise ValueError("each must be an https: or mailto: address")
        return addresses

    @model_validator(mode="after")
    def _one_click_over_https(self) -> Letterhead:
        if self.one_click and not any(address.startswith("https://") for address in self.unsubscribe):
            raise ValueError("`one_click` needs an https: address in `unsubscribe`")
        return self

    @property
    def domain(self) -> str:
        return self.sender.rpartition("@")[2]


def message_id(parcels: Sequence[Parcel], letterhead: Letterhead) -> str:
    """Return a Message-ID that is the same at every attempt and for every recipient, to recognise copies by."""
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
    body: bytes  # including the content headers

    def to(self, recipient: str) -> bytes:
        """Return the mail as sent to this recipient."""
        return self.head + _header("To", recipient) + self.body


def mail(parcels: Sequence[Parcel], letterhead: Letterhead, answers: Sequence[str] = ()) -> Mail:
    """Compose one mail from the parcels, withdrawals first. `answers`: the Message-IDs that it follows up."""
    letters = list(map(_letter, sorted(parcels, key=lambda parcel: parcel.event != "withdrawn")))
    words = _common_words(letters)
    subject = _subject(letters, words, letterhead)
    text, html = _text(letters, words, letterhead), _html(letters, words, subject, letterhead)
    content = EmailMessage(policy=_POLICY)
    content.set_content(text)
    content.add_alternative(html, subtype="html")
    content.set_boundary("citewire-" + hashlib.sha256((text + html).encode("utf-8", "replace")).hexdigest()[:32])
    return Mail(_head([letter.parcel for letter in letters], subject, letterhead, answers), content.as_bytes())


class _Item(Struct, frozen=True):
    """An item of JSON Feed. Its HTML has absolute links and no scripts, forms or menus. A tombstone has only text."""

    language: str = "en"
    content_html: str | None = None


class _Feed(Struct, frozen=True):
    items: tuple[_Item, ...]


_feed = msgspec.json.Decoder(_Feed)


@dataclass(frozen=True)
class _Letter:
    """A parcel and its article, read once. `headline`: its title on one line, after "Updated" or "Withdrawn"."""

    parcel: Parcel
    item: _Item
    words: Words  # of the article's language
    headline: str

    @property
    def plain(self) -> str:
        return self.parcel.also["plain-text"].body.decode("utf-8", "replace").strip()


def _letter(parcel: Parcel) -> _Letter:
    item = _feed.decode(parcel.also["json-feed"].body).items[0]
    words, said = words_in_any_case(item.language), _SAYS.get(parcel.event)
    return _Letter(parcel, item, words, one_line(words.say(said, title=parcel.title) if said else parcel.title))


def one_line(text: str) -> str:
    """Return the text without line breaks and control characters, at most 250 characters long."""
    kept = (" " if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") else one for one in text)
    return " ".join("".join(kept).split())[:_SUBJECT].rstrip()


def _subject(letters: Sequence[_Letter], words: Words, letterhead: Letterhead) -> str:
    if len(letters) == 1:
        return letters[0].headline
    return one_line(letterhead.digest_subject or _digest_subject(letters, words))


def _digest_subject(letters: Sequence[_Letter], words: Words) -> str:
    count, titles = len(letters), "; ".join(letter.headline for letter in letters)
    return words.say_plural(
        "{count} article: {titles}", "{count} articles: {titles}", count, count=str(count), titles=titles
    )


def _common_words(letters: Sequence[_Letter]) -> Words:
    """Return the words of what is said about all the articles: English, unless all are in one language."""
    languages = {letter.item.language for letter in letters}
    return letters[0].words if len(languages) == 1 else ENGLISH


# --- headers ------------------------------------------------------------------------------------------------------
# Not set on an EmailMessage, which decodes whatever looks like an encoded word in a value, even to line breaks.


def _head(parcels: Sequence[Parcel], subject: str, letterhead: Letterhead, answers: Sequence[str]) -> bytes:
    name = one_line(letterhead.sender_name)
    headers = {
        "From": f"{_phrase(name)} <{letterhead.sender}>" if name else letterhead.sender,
        "Reply-To": letterhead.reply_to,
        "Subject": _unstructured(subject),
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
    """Return the text folded, as encoded words (RFC 2047) if it is not plain ASCII or has words too long to fold."""
    plain = text.isascii() and "=?" not in text and all(len(word) <= _LINE for word in text.split())
    return _folded(text, "us-ascii" if plain else "utf-8")


def _phrase(name: str) -> str:
    """Return a display name, as encoded words unless it consists of atoms."""
    return name if _ATOMS.fullmatch(name) and "=?" not in name else _folded(name, "utf-8")


def _folded(text: str, charset: str) -> str:
    return Header(text, charset, maxlinelen=_WORD, header_name="Subject").encode(linesep="\r\n")


# --- text ---------------------------------------------------------------------------------------------------------


def _text(letters: Sequence[_Letter], words: Words, letterhead: Letterhead) -> str:
    contents = [_contents_text(letters)] if len(letters) > 1 else []
    articles = f"\n\n{'-' * _LINE}\n\n".join([*contents, *(letter.plain for letter in letters)])
    foot = (words.say("To unsubscribe: {address}", address=address) for address in letterhead.unsubscribe)
    return "\n\n".join([articles, *foot]) + "\n"


def _contents_text(letters: Sequence[_Letter]) -> str:
    return "\n".join(f"{number}. {letter.headline}" for number, letter in enumerate(letters, 1))


# --- HTML ---------------------------------------------------------------------------------------------------------


def _html(letters: Sequence[_Letter], words: Words, subject: str, letterhead: Letterhead) -> str:
    """Return one article, or several below one another, as an HTML page."""
    unsubscribe = escape(words.translated("Unsubscribe"))
    foot = "".join(
        f'<p{_said_in(words)}><a href="{escape(address)}">{unsubscribe}</a></p>' for address in letterhead.unsubscribe
    )
    bodies = list(map(_body, letters))
    if len(letters) > 1:
        listed = "".join(f"<li>{escape(letter.headline)}</li>" for letter in letters)
        bodies.insert(0, f"<ol>{listed}</ol>")
    return (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{escape(subject)}</title>'
        f"<style>{_STYLE}</style></head><body>{'<hr>'.join(bodies)}{foot}</body></html>\n"
    )


def _body(letter: _Letter) -> str:
    """Return the article with its headline, or the plain text of a withdrawal as paragraphs."""
    item, words, links = letter.item, letter.words, letter.parcel.links
    if item.content_html is None:
        return _withdrawn_html(letter)
    language = f'lang="{escape(item.language)}" dir="{direction_of(item.language)}"'
    read = escape(words.translated("Read it on the web"))
    page = f'<p{_said_in(words)}><a href="{escape(links.page)}">{read}</a></p>' if links else ""
    return f"<h1 {language}>{escape(letter.headline)}</h1>{item.content_html}{page}"


def _withdrawn_html(letter: _Letter) -> str:
    # the reason and the title are in the article's language
    said = ' dir="auto"' if letter.words.foreign else _said_in(letter.words)
    return "".join(f"<p{said}>{escape(paragraph)}</p>" for paragraph in letter.plain.split("\n\n"))


def _said_in(words: Words) -> str:
    """Return the attributes of an element with our words, because nothing around it says what language they are in."""
    if words.language == "en" and not words.foreign:
        return ""  # nothing is said of mails in English
    return f' lang="{words.language}" dir="{words.direction}"'
