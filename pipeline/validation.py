"""Turn pydantic's validation errors into ConfigErrors with the key, a plain description and a hint.

A value is never quoted: one in the wrong place may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import AfterValidator, BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pipeline.errors import ConfigError
from pipeline.hints import nearest

_KINDS = {
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "path_type": "must be a path",
    "missing": "is missing",
    "string_too_long": "has more than {max_length} characters",
    "string_too_short": "has fewer than {min_length} characters",
    "too_short": "needs at least {min_length} of them",
    "too_long": "has more than {max_length} of them",
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "extra_forbidden": "there is no such setting",
}


def form(pattern: str, words: str) -> AfterValidator:
    """Return a check that a whole text has a form, which the message says in words. None passes."""
    compiled = re.compile(pattern)

    def check(value: str | None) -> str | None:
        if value is not None and not compiled.fullmatch(value):
            raise ValueError(words)
        return value

    return AfterValidator(check)


def config_error(
    error: ValidationError, model: type[BaseModel], raw: object, *, prefix: str = "", more: Sequence[str] = ()
) -> ConfigError:
    """Return the first mistake as a ConfigError, with the others in its `further`.

    `raw` is what was validated; it is only used to name the tables of a list by their ids. `more`: keys besides the
    model's own.
    """
    mistakes = list(_mistakes(error, model, raw, prefix, more))
    mistakes[0].further = tuple(mistakes[1:])
    return mistakes[0]


def _mistakes(
    error: ValidationError, model: type[BaseModel], raw: object, prefix: str, more: Sequence[str]
) -> Iterator[ConfigError]:
    seen: set[str] = set()
    every = error.errors(include_input=False, include_url=False)
    for details in every:
        if details["type"] == "too_short" and any(_is_inside(one["loc"], details["loc"]) for one in every):
            continue  # pydantic counts only the items that are right
        key = ".".join(filter(None, (prefix, *_named(details["loc"], raw))))
        if key not in seen:  # a union reports the same mistake once for each of its members
            seen.add(key)
            yield ConfigError(_message(details), key=key, hint=_hint(details, model, more))


def _is_inside(loc: Sequence[int | str], list_at: Sequence[int | str]) -> bool:
    return len(loc) > len(list_at) and loc[: len(list_at)] == list_at


def _named(loc: Sequence[int | str], raw: object) -> Iterator[str]:
    """Yield the steps to a value. A table of a list is named by its id if it has one."""
    for step in loc:
        if step == "[key]":  # pydantic's word for a key that is wrong itself
            return
        if isinstance(step, int):
            raw = raw[step] if isinstance(raw, Sequence) and step < len(raw) else None
            id = raw.get("id") if isinstance(raw, Mapping) else None
            yield id if isinstance(id, str) and loc[-1] != "id" else str(step)
        elif isinstance(raw, Mapping) and step in raw:
            raw = raw[step]
            yield step
        elif step == loc[-1] or isinstance(raw, Mapping):
            raw = None
            yield step


def _message(details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    if "error" in context:
        return str(context["error"])
    template = _KINDS.get(details["type"])
    return template.format(**context) if template else details["msg"][:1].lower() + details["msg"][1:]


def _hint(details: ErrorDetails, model: type[BaseModel], more: Sequence[str]) -> str | None:
    if details["type"] != "extra_forbidden":
        return None
    known = _keys_at(model, details["loc"][:-1])
    known += more if len(details["loc"]) == 1 else ()
    return nearest(str(details["loc"][-1]), known) if known else None


def _keys_at(model: type[BaseModel], loc: Sequence[int | str]) -> list[str]:
    inner: type[BaseModel] | None = model
    for step in loc:
        if isinstance(step, str) and inner is not None and step in inner.model_fields:
            inner = next(_models_in(inner.model_fields[step].annotation), None)
    return list(inner.model_fields) if inner is not None else []


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
