"""Answers of the E-utilities as files: those we wrote, and those that were recorded, where they lie."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from judges.presence import missing

from pipeline.http import Response

_HERE = Path(__file__)
_FOLDERS = {
    "ours": _HERE.parent / "responses",
    "recorded": _HERE.parents[3] / "shared" / "data" / "eutils-responses",
}


@dataclass(frozen=True)
class Answers:
    """A folder of bodies, with MANIFEST.tsv: file, status, headers ("text/xml; Retry-After: 2"), source."""

    folder: Path

    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()} - {"MANIFEST.tsv"}

    def rows(self) -> Iterator[dict[str, str]]:
        return iter(csv.DictReader((self.folder / "MANIFEST.tsv").read_text("utf-8").splitlines(), delimiter="\t"))

    def body(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def response(self, name: str, *, status: int | None = None) -> Response:
        row = next(row for row in self.rows() if row["file"] == name)
        headers = dict(part.split(": ", 1) for part in row["headers"].split("; ") if ": " in part)
        return Response(status or int(row["status"]), headers, self.body(name))


@pytest.fixture(params=_FOLDERS)
def answers(request: pytest.FixtureRequest) -> Answers:
    folder = _FOLDERS[request.param]
    if not folder.is_dir():
        missing("the folder of NCBI's recorded answers", "it belongs beside the checkout, in shared/data")
    return Answers(folder)
