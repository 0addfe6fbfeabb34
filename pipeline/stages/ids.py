"""The ids by which lines of the log are found: the same names wherever a stage works on something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from structlog.contextvars import bound_contextvars

Ids = Mapping[str, object]

_PLURALS = {"delivery": "deliveries"}


def named(kind: str, keys: Sequence[str]) -> dict[str, object]:
    """Return keys under the name of what they are: `article` for one, and `articles` for several."""
    if not kind or not keys:
        return {}
    return {kind: keys[0]} if len(keys) == 1 else {_PLURALS.get(kind, f"{kind}s"): list(keys)}


@contextmanager
def in_lines(stage: str, ids: Ids) -> Iterator[None]:
    """Add the stage and the ids to each line that this thread logs meanwhile. Lists of a batch are left out."""
    with bound_contextvars(stage=stage, **{name: value for name, value in ids.items() if not isinstance(value, list)}):
        yield
