"""Fixtures for all tests of the web server: probes that wait however busy the machine is, and somebody signed in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import shared_schemas
from console_person import Person
from served import Served
from waiting import PATIENCE

from pipeline.web.ops import health

shared_schemas.share()


@pytest.fixture(scope="module", autouse=True)
def patient_probes() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(health, "WITHIN", PATIENCE)
        yield


@pytest.fixture
def person(site: Served) -> Person:
    """Somebody who has signed in to the console of the test's site."""
    person = Person(site.app)
    person.sign_in()
    return person
