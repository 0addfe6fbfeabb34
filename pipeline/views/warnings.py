"""Warnings to the sender of an event or the author of a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import structs

from pipeline.model.reading import ReadWarning
from pipeline.views.fields import Field


@dataclass(frozen=True, slots=True)
class SourceWarning:
    """Something in an event or an article's source that was left out or read with doubt."""

    code: Annotated[str, Field(examples=["invalid-field"])]
    message: str
    file: str | None
    line: Annotated[int | None, Field(ge=1)]
    field: str | None
    hint: str | None


def warning(given: ReadWarning) -> SourceWarning:
    return SourceWarning(**structs.asdict(given))
