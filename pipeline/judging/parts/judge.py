"""What a judge is: how its format is read, and the rules of the format, each with where it is written.

bytes → reading → the document; what cannot be read breaks the first rule, and the others are not looked at
document → each rule → in words, what breaks it
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

MOST = 5  # details of one rule: what is wrong a hundred times is seen after a few
LONGEST = 240  # characters of a detail, part of which may be the document's

D = TypeVar("D")


class Unreadable(Exception):
    """The bytes are no document of the format. The message says why."""


@dataclass(frozen=True, slots=True)
class Reading(Generic[D]):
    """The first rule: that the bytes can be read at all. `read` raises Unreadable."""

    name: str
    source: str
    read: Callable[[bytes], D]


@dataclass(frozen=True, slots=True)
class Rule(Generic[D]):
    name: str
    source: str  # where it is written: "RFC 4287, section 4.2.6"
    breaches: Callable[[D], Iterable[str]]  # each in words; nothing of a document that keeps the rule


@dataclass(frozen=True, slots=True)
class CheckedRule:
    """A rule that a rendition was compared with."""

    rule: str
    source: str


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule that a rendition breaks, and how."""

    rule: str
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """It vouches for the rules that were checked, and for nothing else."""

    checked: tuple[CheckedRule, ...]
    broken: tuple[BrokenRule, ...]


@dataclass(frozen=True, slots=True)
class Judge(Generic[D]):
    """What a module of `pipeline/judging/` exports as `JUDGE`. Its functions are pure."""

    name: str  # the format's
    reading: Reading[D]
    rules: tuple[Rule[D], ...]

    def verdict(self, body: bytes) -> Verdict:
        first = CheckedRule(self.reading.name, self.reading.source)
        try:
            document = self.reading.read(body)
        except Unreadable as error:
            return Verdict((first,), (BrokenRule(first.rule, _fit(str(error))),))
        checked = (first, *(CheckedRule(rule.name, rule.source) for rule in self.rules))
        return Verdict(checked, tuple(broken for rule in self.rules for broken in _broken(rule, document)))


def _broken(rule: Rule[D], document: D) -> Iterator[BrokenRule]:
    details = list(islice(rule.breaches(document), MOST + 1))
    yield from (BrokenRule(rule.name, _fit(detail)) for detail in details[:MOST])
    if len(details) > MOST:
        yield BrokenRule(rule.name, "and more of the kind")


def _fit(detail: str) -> str:
    """Return the detail on one line, without what a document could do to a terminal or a page with it."""
    line = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in detail)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
