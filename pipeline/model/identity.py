"""Somebody whom a provider of identities knows."""

from __future__ import annotations

from msgspec import Struct


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
