"""The words of one language."""

from __future__ import annotations

import datetime as dt
import gettext
import string
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from pipeline.errors import ConfigError
from pipeline.model.article import Direction, direction_of
from pipeline.model.moment import utc
from pipeline.wording import reading, tags

_ISOLATE, _END = "\u2068", "\u2069"  # FSI, PDI (Unicode's UAX 9)
_LEFT_TO_RIGHT = frozenset({"L", "EN", "ES", "ET", "AN"})  # bidirectional classes (UAX 9, table 4)
_BRITISH = "d MMMM y"  # of dates in English, whatever its region: 12 March 2025


def message(text: str) -> str:
    """Mark an English text in a table as a message of the catalogues; it is translated where it is used."""
    return text


@dataclass(frozen=True, eq=False)
class Words:
    """What is said in a language. Messages are given in English, with the names of their values in braces."""

    language: str = "en"  # of the words themselves (BCP 47)
    foreign: bool = False  # they are English in place of a language that has no catalogue, and must say so
    locale: str = "en"  # CLDR's, for dates
    _translations: gettext.NullTranslations = field(default_factory=gettext.NullTranslations, repr=False)

    @property
    def direction(self) -> Direction:
        return direction_of(self.language)

    def translated(self, text: str) -> str:
        """Return a message in this language, its values still to be filled in."""
        return self._translations.gettext(text)

    def translated_plural(self, one: str, many: str, number: int) -> str:
        """Return the form of a message that this number of things takes, its values still to be filled in."""
        return self._translations.ngettext(one, many, number)

    def say(self, text: str, /, **values: str) -> str:
        """Return a message as plain text with its values.

        Among words that run from right to left values are isolated, so that a dose, an identifier or a name in Latin
        letters keeps its own order and does not move the words around it.
        """
        return filled(self.translated(text), values, isolated=self.direction == "rtl")

    def say_plural(self, one: str, many: str, number: int, /, **values: str) -> str:
        """Return the form that this number takes as plain text with its values."""
        return filled(self.translated_plural(one, many, number), values, isolated=self.direction == "rtl")

    def isolated(self, value: str) -> str:
        """Return a value that stands by itself beside our words, isolated as `say` does it."""
        return _isolated(value) if self.direction == "rtl" else value

    def date(self, date: dt.date) -> str:
        """Return a day as it is written in this language: `12 March 2025`, `12. März 2025`. Moments are in UTC."""
        return _day(utc(date).date() if isinstance(date, dt.datetime) else date, self.locale)


ENGLISH = Words()


@lru_cache(maxsize=256)
def words_of(language: str) -> Words:
    """Return the words for an article in this language (BCP 47): English, saying so, where there is no catalogue.

    Raises ConfigError `catalogue-unreadable`.
    """
    fit = tags.fit(language)
    if fit.catalogue == tags.ENGLISH:
        return ENGLISH if fit.meant else Words(foreign=True)
    return Words(fit.catalogue.replace("_", "-"), False, fit.locale, reading.translations(fit.catalogue))


def words_in_any_case(language: str) -> Words:
    """Return the words for what must be said, such as a withdrawal: English even where a catalogue cannot be read."""
    try:
        return words_of(language)
    except ConfigError:
        return Words(foreign=True)


@lru_cache(maxsize=512)
def pieces(text: str) -> tuple[tuple[str, str | None], ...]:
    """Return a message as texts, each with the name of the value that follows it."""
    return tuple((literal, name) for literal, name, _, _ in string.Formatter().parse(text))


def filled(text: str, values: Mapping[str, str], *, isolated: bool = False) -> str:
    """Return a translated message with its values."""
    return "".join(
        literal if name is None else literal + (_isolated(values[name]) if isolated else values[name])
        for literal, name in pieces(text)
    )


def _isolated(value: str) -> str:
    """Isolate a value, unless all of it runs from right to left anyway."""
    mixed = any(unicodedata.bidirectional(sign) in _LEFT_TO_RIGHT for sign in value)
    return f"{_ISOLATE}{value}{_END}" if mixed else value


@lru_cache(maxsize=4096)
def _day(day: dt.date, locale: str) -> str:
    from babel.dates import format_date

    return format_date(day, _BRITISH if locale == tags.ENGLISH else "long", locale=locale)
