"""What errors come down to, and who must act: shared by what fails and what needs a person."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from pipeline.stages.redaction import redacted

Who = Literal["operator", "editor", "partner"]

MOST_WORDS = 200  # characters of an error in a sentence
REMEMBERED = 20_000  # errors, word by word, which pages that follow each other ask for: some 10 MB

_VARYING = re.compile(
    r"""(?x)
    https?://\S+ | \b[0-9a-f]{8}-[0-9a-f-]{27}\b | \b[A-Za-z]+_[0-9a-f]{8,}\b | \b[0-9a-f]{12,}\b | '[^']*' | "[^"]*"
    | (?<![\w.-])\d{4,}(?![\w.-])
    """
)


def cause_of(error: str) -> str:
    """Return an error without what differs from one delivery to the next: ids, addresses, quotations, long numbers."""
    return " ".join(_VARYING.sub("…", redacted(error)).split())[:MOST_WORDS]


# The same, for those who ask about the same errors at every look.
remembered_cause_of = lru_cache(maxsize=REMEMBERED)(cause_of)
