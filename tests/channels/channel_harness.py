"""What each channel type provides for the contract suite: a real other end that can be inspected and made to fail.

A harness lives in `harness_<type>.py` (hyphens as underscores) and is a context manager named `opened`.

Optional attributes of a harness, with their defaults:

    lacks              {way of failing: reason}: the ways in `WAYS` that this other end cannot have     (none)
    shaped(parcel)     the parcel as this type takes it: in its format, with its extension              (as it is)
    expected(parcel)   what `received` must say after it was delivered             (its revision, its event, its body)
    steps              qualified names of functions whose calls count as steps of a delivery, where the
                       interpreter's audit events (files, sockets, HTTP) do not show them               (none)
    unforkable         True where a delivery cannot run in a fork of this process: then it is killed in a fresh one,
                       which opens `settings` for itself                                                (False)
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, cast, get_args

import pytest

from pipeline.errors import CitewireError
from pipeline.http import Http
from pipeline.model.delivery import Links, Parcel
from pipeline.model.rendition import Rendition
from pipeline.model.revision import EventType


@dataclass(frozen=True)
class Received:
    """What a reader at the other end takes to be an article's state."""

    revision: int
    event: str
    body: bytes


Way = Literal["refusal", "cut", "hang", "drip", "garbage", "other"]
WAYS: frozenset[str] = frozenset(get_args(Way)) - {"other"}  # each is shown, or lacks with a reason


@dataclass(frozen=True)
class Trouble:
    """A way in which the other end fails, from `begin` to `end`, and what a delivery must make of it."""

    name: str
    raises: type[CitewireError]
    code: str | None = None
    retry_after: float | None = None
    begin: Callable[[], object] = lambda: None
    end: Callable[[], object] = lambda: None
    settings: Mapping[str, object] | None = None  # in place of the harness's own, where the trouble is in them
    way: Way = "other"


class Harness(Protocol):
    @property
    def http(self) -> Http: ...

    @property
    def settings(self) -> Mapping[str, object]: ...

    @property
    def bad_settings(self) -> Sequence[tuple[Mapping[str, object], str]]:
        """Invalid settings, each with the key that the refusal must name."""
        ...

    @property
    def troubles(self) -> Sequence[Trouble]: ...

    def received(self, article_id: str) -> Received | None: ...

    def touched(self) -> int:
        """How many articles' changes the other end has seen: a check must not add to it."""
        ...


def opened(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AbstractContextManager[Harness]:
    try:
        module: Any = importlib.import_module(f"harness_{name.replace('-', '_')}")
    except ModuleNotFoundError:
        pytest.fail(f"the channel type {name!r} has no harness: write tests/channels/harness_{name}.py")
    return cast("AbstractContextManager[Harness]", module.opened(folder, monkeypatch))


def parcel(
    revision: int, event: EventType | None = None, *, article: str = "what-is-spasticity", body: bytes | None = None
) -> Parcel:
    """A revision whose body identifies it, in text that is not ASCII and long enough to be torn."""
    words = body or f"<p>Revision {revision} of Spastik — «التشنج» 🧠</p>\n".encode() * 4000
    return Parcel(
        message_id=f"msg-{article}-{revision}",
        article_id=article,
        title="What is spasticity?",
        revision=revision,
        event=event or ("published" if revision == 1 else "updated"),
        rendition=Rendition("amp", "text/html", words),
        extension="amp",
        at=dt.datetime.now(dt.UTC),
        links=Links(
            page=f"https://notes.example.org/articles/{article}",
            rendition=f"https://notes.example.org/articles/{article}.amp",
            amp=f"https://notes.example.org/articles/{article}.amp",
            feeds=("https://notes.example.org/feeds/latest.rss",),
        ),
    )


def shaped(harness: Harness, one: Parcel) -> Parcel:
    return cast("Parcel", getattr(harness, "shaped", lambda same: same)(one))


def expected(harness: Harness, one: Parcel) -> Received:
    as_it_is = Received(one.revision, one.event, one.rendition.body)
    return cast("Received", getattr(harness, "expected", lambda _: as_it_is)(one))


def lacks(harness: Harness) -> Mapping[str, str]:
    return cast("Mapping[str, str]", getattr(harness, "lacks", {}))


def in_folder(path: Path, article_id: str) -> Received | None:
    """What a partner finds in a folder of files with manifests beside them."""
    file = path / f"{article_id}.amp"
    if not file.exists():
        return None
    manifest = json.loads((path / "manifest" / f"{file.name}.json").read_bytes())
    return Received(manifest["revision"], manifest["event"], file.read_bytes())


def files_in(path: Path) -> int:
    return sum(1 for one in path.rglob("*") if one.is_file())
