"""What the renditions' tests share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from published import named

from pipeline.model.revision import Revision

HERE = Path(__file__).resolve().parent

Golden = Callable[[str, bytes], None]


@pytest.fixture
def revision(request: pytest.FixtureRequest) -> Revision:
    """The one that the test's parameter names."""
    return named(request.param, request)


@pytest.fixture
def golden() -> Golden:
    """Compares with a file under golden/; with UPDATE_GOLDEN=1 writes it, to be read in the diff."""

    def compare(name: str, body: bytes) -> None:
        path = HERE / "golden" / name
        if os.environ.get("UPDATE_GOLDEN") == "1":
            path.write_bytes(body)
        assert body.decode() == path.read_text(encoding="utf-8"), f"{name} changed; UPDATE_GOLDEN=1 accepts it"

    return compare
