"""Once a newer release has migrated the ledger, an outdated process refuses every request that would change it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from asgi import send
from fastapi.routing import iter_route_contexts
from served import Served, served

from pipeline.errors import TransientError
from pipeline.web.app import create_app

TAKEN = {"/hub"}  # notes what somebody asks for; the hub's workers look at it, and they are held


@pytest.fixture(scope="module")
def outdated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("site")) as site:
        held = replace(site.context, hold=lambda: TransientError("too new", code="ledger-too-new"))
        site.app = create_app(held, alive=list)
        yield site


def test_every_request_that_changes_something_is_refused(outdated: Served) -> None:
    headers = {"Authorization": "Bearer root"}
    asked = 0
    for route in iter_route_contexts(outdated.app.routes):
        for method in sorted((route.methods or set()) - {"GET", "HEAD", "OPTIONS"}):
            path = re.sub(r"{.*?}", "1", route.path or "")
            if path not in TAKEN:
                answer = asyncio.run(send(outdated.app, method, path, headers=headers))
                assert (answer.status, b"ledger-too-new" in answer.body) == (503, True), f"{method} {path}"
                asked += 1
    assert asked > 50


def test_what_only_looks_is_answered(outdated: Served) -> None:
    for path in ("/v1/articles", "/partners/reader/changes"):
        assert outdated.ask("GET", path).status == 200
