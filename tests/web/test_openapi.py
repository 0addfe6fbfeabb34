"""The OpenAPI description is committed, true to the routes, and never breaks a client unnoticed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from openapi_spec_validator import validate
from served import served

from pipeline.web.openapi.compatibility import breaking_changes
from pipeline.web.openapi.reference import page
from workers.openapi import DESCRIPTION, PAGE, description, written

COMMITTED: dict[str, Any] = json.loads(DESCRIPTION.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return description()


def test_nothing_that_a_client_of_the_committed_description_relies_on_is_gone(described: dict[str, Any]) -> None:
    assert breaking_changes(COMMITTED, described) == []


def test_the_committed_description_and_its_page_are_of_today(described: dict[str, Any]) -> None:
    assert DESCRIPTION.read_text(encoding="utf-8") == written(described), "run `make openapi`"
    assert PAGE.read_text(encoding="utf-8") == page(described), "run `make openapi`"


def test_the_description_is_valid_openapi(described: dict[str, Any]) -> None:
    validate(described)


def test_every_route_is_described_or_known_to_be_left_out(tmp_path: Path, described: dict[str, Any]) -> None:
    with served(tmp_path) as site:
        routes = {
            (method, getattr(route, "path", ""))
            for route in iter_route_contexts(site.app.routes)
            for method in getattr(route, "methods", None) or ()
        }
    there = {(method.upper(), path) for path, item in described["paths"].items() for method in item}
    pages = ("/", "/articles", "/robots.txt", "/favicon.svg", "/favicon.ico")  # for people and their browsers
    left_out = {("GET", path) for path in ("/v1/openapi.json", *pages)}
    routes = {(method, path) for method, path in routes if not path.startswith("/console")}  # pages, for people
    assert {(method, path) for method, path in routes if method not in ("HEAD", "OPTIONS")} == there | left_out


def test_every_operation_stands_in_the_page(described: dict[str, Any]) -> None:
    text = page(described)
    for path, item in described["paths"].items():
        for method in item:
            assert f"### `{method.upper()} {path}`" in text


def test_every_error_is_problem_details(described: dict[str, Any]) -> None:
    for path, item in described["paths"].items():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                if status >= "400" and (path, status) not in (("/articles/{name}", "410"), ("/readyz", "503")):
                    assert list(answer["content"]) == ["application/problem+json"], (path, status)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda one: one["paths"].pop("/v1/deliveries"), "GET /v1/deliveries: removed"),
        (lambda one: _get(one)["responses"].pop("404"), "GET /v1/articles/{article_id} 404: response removed"),
        (lambda one: _status(one)["properties"].pop("title"), "GET /v1/articles/{article_id} 200.title: removed"),
        (lambda one: _status(one)["required"].remove("state"), "200.state: may be left out now"),
        (lambda one: _status(one)["properties"].update(revision={"type": "string"}), "integer became string"),
        (lambda one: _status(one)["properties"].update(title={"type": ["string", "null"]}), "string became null or"),
        (lambda one: _limit(one).update(maximum=10), "parameter limit: maximum is smaller"),
        (lambda one: _limit(one).update(type="string"), "parameter limit: integer became string"),
        (lambda one: _list(one)["parameters"].pop(0), "GET /v1/deliveries: parameter state removed"),
        (lambda one: _list(one)["parameters"][0].update(required=True), "parameter state is required now"),
        (lambda one: _event(one)["required"].append("subject"), "POST /v1/events request.subject: required now"),
        (lambda one: _event(one)["properties"]["type"].update(enum=["x"]), "limited to fewer values"),
    ],
)
def test_a_change_that_breaks_clients_is_refused(change: Callable[[Any], object], message: str) -> None:
    changed = copy.deepcopy(COMMITTED)
    change(changed)
    assert any(message in one for one in breaking_changes(COMMITTED, changed)), breaking_changes(COMMITTED, changed)


def test_additions_break_nobody() -> None:
    changed = copy.deepcopy(COMMITTED)
    changed["paths"]["/v1/new"] = changed["paths"]["/healthz"]
    _status(changed)["properties"]["more"] = {"type": "string"}
    _limit(changed)["maximum"] = 10_000
    _list(changed)["parameters"].append({"name": "more", "in": "query", "schema": {"type": "string"}})
    assert breaking_changes(COMMITTED, changed) == []


def _get(document: dict[str, Any]) -> Any:
    return document["paths"]["/v1/articles/{article_id}"]["get"]


def _list(document: dict[str, Any]) -> Any:
    return document["paths"]["/v1/deliveries"]["get"]


def _limit(document: dict[str, Any]) -> Any:
    return next(one for one in _list(document)["parameters"] if one["name"] == "limit")["schema"]


def _status(document: dict[str, Any]) -> Any:
    return document["components"]["schemas"]["ArticleStatus"]


def _event(document: dict[str, Any]) -> Any:
    return document["components"]["schemas"]["CloudEvent"]
