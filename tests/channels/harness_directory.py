"""The other end of a `directory` channel: the folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from channel_harness import Received, Trouble, files_in, in_folder

from pipeline.errors import PermanentError, TransientError
from pipeline.http import EgressGuard, Http


class DirectoryHarness:
    lacks: ClassVar = {
        "cut": "no connection leads to a folder; a mount that goes away is one of the troubles",
        "hang": "the system gives no time limit for a file's operation: a dead mount holds the process, as it does all",
        "drip": "a folder answers whole or not at all",
        "garbage": "a folder answers with the system's own error numbers and nothing else",
    }

    def __init__(self, folder: Path) -> None:
        self.http = Http(EgressGuard())
        self._folder = folder
        self._path = folder / "partners" / "a"

    @property
    def settings(self) -> Mapping[str, object]:
        return {"path": str(self._path)}

    @property
    def bad_settings(self) -> Sequence[tuple[Mapping[str, object], str]]:
        return [
            ({}, "path"),
            ({"path": 5}, "path"),
            ({"path": "/x", "create": "perhaps"}, "create"),
            ({"path": "/x", "secret": "hush"}, "secret"),
        ]

    @property
    def troubles(self) -> Sequence[Trouble]:
        mounted = {"path": str(self._folder / "mount"), "create": False}
        blocked = self._folder / "blocked"
        taken = self._path / "in-trouble.amp"

        def take() -> None:
            taken.unlink(missing_ok=True)
            taken.mkdir(parents=True)

        return [
            Trouble("its mount is away", TransientError, "folder-unavailable", settings=mounted),
            Trouble(
                "a file stands where the folder should",
                PermanentError,
                "folder-refused",
                begin=blocked.touch,
                settings={"path": str(blocked / "inner")},
                way="refusal",
            ),
            Trouble(
                "a folder stands where the file should",
                PermanentError,
                "folder-refused",
                begin=take,
                end=taken.rmdir,
            ),
        ]

    def received(self, article_id: str) -> Received | None:
        return in_folder(self._path, article_id)

    def touched(self) -> int:
        return files_in(self._path)


@contextmanager
def opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DirectoryHarness]:
    yield DirectoryHarness(folder)
