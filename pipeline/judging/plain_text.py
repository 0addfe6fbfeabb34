"""Plain text: what any terminal, mail program and editor shows as it was meant."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.judging.parts.judge import Judge, Rule
from pipeline.judging.parts.text import CHARACTERS, TEXT


def _title(text: str) -> Iterator[str]:
    title, _, rest = text.partition("\n")
    under = rest.partition("\n")[0]
    if not title.strip():
        yield "the first line is empty"
    elif not under or under.strip("="):
        yield "there is no rule of `=` under the title, by which Citewire knows its own text"


def _end(text: str) -> Iterator[str]:
    if not text.endswith("\n") or text.endswith("\n\n"):
        yield "it does not end in one line feed"


JUDGE = Judge(
    "plain-text",
    TEXT,
    (
        CHARACTERS,
        Rule("title", "Citewire: a title and a rule under it (docs/article-files.md)", _title),
        Rule("end", "POSIX.1-2017, section 3.206: a line ends in a newline", _end),
    ),
)
