"""The receiver of all POSTs, in a process of its own, so that it does not slow down what is measured."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from benchmarks.processes import ready, started, until


@dataclass(frozen=True)
class Receiving:
    url: str

    def count(self) -> int:
        return int(requests.get(f"{self.url}control", timeout=20).json()["received"])

    def wait_for(self, count: int, *, within: float) -> None:
        until(lambda: self.count() >= count, within=within, what=f"{count} POSTs at the receiver")

    def since(self, count: int) -> Sequence[Mapping[str, Any]]:
        """Return the records after the first `count`."""
        answer = requests.get(f"{self.url}received?after={count}", timeout=60)
        return [json.loads(line) for line in answer.text.splitlines()]


@contextmanager
def receiving(folder: Path, environment: Mapping[str, str]) -> Iterator[Receiving]:
    log = folder / "receiver.log"
    with started("standins.receiver", environment=environment, log=log) as process:
        yield Receiving(ready(process, within=20, log=log))
