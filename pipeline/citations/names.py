"""Authors as AMA and Vancouver write them: surname first, initials without full stops."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

from pipeline.model.reference import Author, Reference


def author_list(reference: Reference, *, most: int, shown: int) -> str:
    """Return all authors up to `most`, or else the first `shown` and "et al", with groups set off by semicolons.

    Groups before the first person stay there; all others follow the people. A list that is incomplete according to NLM
    also ends in "et al" (AMA 11, 3.7; ICMJE samples 1 to 4).
    """
    people = [name for author in reference.authors if not author.collective and (name := personal_name(author))]
    groups = [author.collective for author in reference.authors if author.collective]
    leading = [author.collective or "" for author in takewhile(lambda one: one.collective, reference.authors)]
    cut = len(people) > most
    names = people[:shown] if cut else people
    if people and (cut or not reference.authors_complete):
        names = [*names, "et al"]
    return "; ".join([part for part in (*leading, ", ".join(names), *groups[len(leading) :]) if part])


def editors(reference: Reference, *, most: int, shown: int, role: str, roles: str) -> str:
    """Return the editors of a chapter's book, with their role: "Adam MP, Feldman J, eds."; "" if there are none."""
    names = [author.collective or personal_name(author) for author in reference.editors]
    if not names or reference.title == reference.book_title:
        return ""
    listed = [*names[:shown], "et al"] if len(names) > most else names
    return ", ".join(listed) + (role if len(names) == 1 else roles)


def personal_name(author: Author) -> str:
    """Return a name such as "Smith SC Jr", or the surname alone if nothing else is known."""
    return " ".join(part for part in (author.last, initials(author), author.suffix) if part)


def initials(author: Author) -> str:
    if author.initials:
        return re.sub(r"[.\s]", "", author.initials)
    return "".join(_first_letters(author.fore or ""))


def _first_letters(fore: str) -> Sequence[str]:
    return [part[0].upper() for part in re.split(r"[\s.\-]+", fore) if part]
