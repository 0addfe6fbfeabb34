"""Field types that several answers share, and what the API reference says of a field."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

_PLAIN = ("str", "int", "float")  # the kinds of core schema that check a value themselves


class Field:
    """What the API reference says of a field, and what pydantic checks of it; for use in `Annotated`.

    It stands in for pydantic's own `Field`, which it does by the two methods that pydantic calls on any annotation: so
    a command that prints an answer does not import pydantic, which is only needed to describe one.
    """

    __slots__ = ("_limits", "_words")

    def __init__(
        self,
        *,
        description: str | None = None,
        examples: Sequence[object] | None = None,
        deprecated: bool = False,
        ge: int | None = None,
        pattern: str | None = None,
    ) -> None:
        said = {"description": description, "examples": examples, "deprecated": deprecated}
        self._words = {name: value for name, value in said.items() if value}
        self._limits = {name: value for name, value in {"ge": ge, "pattern": pattern}.items() if value is not None}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: Any = handler(source)
        _limit(schema, self._limits)
        found: CoreSchema = schema
        return found

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(schema) | self._words


def _limit(schema: dict[str, Any], limits: dict[str, Any]) -> None:
    """Add the limits to a schema, or to what it holds if it may also be null."""
    if limits and schema["type"] == "nullable":
        _limit(schema["schema"], limits)
    elif limits:
        assert schema["type"] in _PLAIN, f"no limit of {schema['type']} is known"
        schema.update(limits)


ArticleId = Annotated[str, Field(examples=["baclofen-for-spasticity"])]
ChannelId = Annotated[str, Field(examples=["partner-a"])]
RevisionNumber = Annotated[int, Field(ge=1, examples=[3])]
Count = Annotated[int, Field(ge=0)]
Pmid = Annotated[str, Field(pattern="^[0-9]+$", examples=["34187661"])]
WorkId = Annotated[str, Field(description="The cited work, with its scheme.", examples=["pmid:34187661"])]
Time = Annotated[dt.datetime, Field(examples=["2026-03-01T12:00:00Z"])]
