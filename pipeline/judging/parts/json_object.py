"""JSON, read as strictly as its standard allows: each name of an object once, and no number that is none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn

from pipeline.judging.parts.judge import Reading, Unreadable
from pipeline.judging.parts.values import quoted

Object = Mapping[str, Any]


def _read(body: bytes) -> Object:
    try:
        found = json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_number)
    except RecursionError as error:
        raise Unreadable("it is nested too deeply to be read") from error
    except ValueError as error:  # of the encoding, of the syntax, or ours
        raise Unreadable(str(error)) from error
    if not isinstance(found, dict):
        raise Unreadable("it is no object")
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"an object has the name {quoted(name)} more than once")
        found[name] = value
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


JSON = Reading("json", "RFC 8259, sections 4, 6 and 8.1", _read)


def objects_in(holder: Object, name: str) -> Iterator[Object]:
    """Yield the objects in a list that is a member, whatever else is in it."""
    found = holder.get(name)
    yield from (one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()


def is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def not_texts(holder: Object, *names: str, called: str) -> Iterator[str]:
    """Say which of these members the holder lacks, or has without text."""
    yield from (f"{called} has no text in `{name}`" for name in names if not is_text(holder.get(name)))


def not_fit(holder: Object, names: Iterable[str], fits: Callable[[object], bool], what: str) -> Iterator[str]:
    """Say which of these members, where the holder has them, are not what they must be."""
    for name in names:
        if name in holder and not fits(holder[name]):
            yield f"`{name}` is {what}: {quoted(holder[name])}"
