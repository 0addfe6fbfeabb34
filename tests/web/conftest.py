"""Probes of the tests wait for their answers, however busy the machine is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from waiting import PATIENCE

from pipeline.web.ops import health


@pytest.fixture(scope="module", autouse=True)
def patient_probes() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(health, "WITHIN", PATIENCE)
        yield
