"""Fixtures for all tests of the web server: probes that wait however busy the machine is, and somebody signed in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import shared_schemas
from console_person import Person
from console_site import console_site, fill
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


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A site with something of everything, at which the tests of a file only look."""
    with console_site(tmp_path_factory.mktemp("filled")) as site:
        fill(site)
        yield site


@pytest.fixture(scope="module")
def looking(filled: Served) -> Person:
    """Somebody who signs in to that site once, as attempts are counted."""
    person = Person(filled.app)
    person.sign_in()
    return person
