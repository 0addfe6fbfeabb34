"""Somebody whom a provider of identities knows, or who was invited to have a passkey."""

from __future__ import annotations

import datetime as dt
import unicodedata
from typing import Final

from msgspec import Struct

PASSKEY: Final = "passkey"  # the issuer of people who were invited; those of providers are addresses
CHALLENGE_LASTS: Final = dt.timedelta(minutes=5)  # in which a person answers with a passkey
_NAME = 100  # characters
_JOINERS = "\u200c\u200d"  # invisible, and part of names in Persian and Hindi


class Identity(Struct, frozen=True):
    """The issuer and the subject are who it is: a name may be shared, and given to somebody else."""

    issuer: str
    subject: str
    name: str
    role: str

    @property
    def by(self) -> str:
        """Return the person as operations name them: whoever chooses the name cannot choose what follows it."""
        return f"{self.name} ({self.issuer}, subject {self.subject})"


def shown_name(text: str) -> str:
    """Return the text as one line without control characters and what turns the direction of writing."""
    shown = (one if one in _JOINERS or unicodedata.category(one)[0] not in "C" else " " for one in text[: _NAME * 2])
    return " ".join("".join(shown).split())[:_NAME]
