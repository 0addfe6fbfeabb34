"""Servers of one test process share the validators of equal fields, and of no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
import shared_schemas
from fastapi import Depends, Query
from fastapi._compat.v2 import ModelField
from fastapi.dependencies import utils
from fastapi.routing import APIRoute
from pydantic import BeforeValidator
from pydantic.fields import FieldInfo
from served import served


def adapter(type_: Any, **more: Any) -> Any:
    return ModelField(
        FieldInfo.from_annotation(Annotated[type_, FieldInfo(annotation=type_, **more)]), "one"
    )._type_adapter


def test_equal_fields_share_one() -> None:
    assert adapter(int, default=1, ge=0) is adapter(int, default=1, ge=0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"default": 1}, {"default": True}),
        ({"default": 1}, {"default": 2}),
        ({"ge": 0}, {"ge": 1}),
        ({"title": "one"}, {"title": "other"}),
    ],
)
def test_fields_that_differ_share_none(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert adapter(int, **one) is not adapter(int, **other)


def test_neither_do_types_that_only_look_alike() -> None:
    assert adapter(Annotated[int, BeforeValidator(int)]) is not adapter(Annotated[int, BeforeValidator(abs)])


def test_a_default_that_can_be_changed_belongs_to_one_field() -> None:
    assert adapter(list[int], default=[]) is not adapter(list[int], default=[])


def named(parameters: list[ModelField]) -> list[str]:
    return [parameter.name for parameter in parameters]


def test_a_function_is_taken_apart_anew_where_other_parameters_are_in_the_path() -> None:
    def read(name: str) -> None: ...

    in_path, in_query = (utils.get_dependant(path=path, call=read) for path in ("/{name}", "/"))
    assert (named(in_path.path_params), named(in_path.query_params)) == (["name"], [])
    assert (named(in_query.path_params), named(in_query.query_params)) == ([], ["name"])
    assert utils.get_dependant(path="/other/{name}", call=read) is in_path


def test_a_route_has_its_own_dependencies_and_no_others() -> None:
    def read() -> None: ...
    def one() -> None: ...
    def other() -> None: ...

    routes = [APIRoute("/", read, dependencies=[Depends(need)]) for need in (one, other)]
    assert [[need.call for need in route.dependant.dependencies] for route in routes] == [[one], [other]]


def made(need: Callable[[], object], *, most: int = 9, default: object = 1) -> Any:
    """Return a function as each server makes it."""

    def read(name: str, _: object, limit: int = default) -> list[str]: ...  # type: ignore[assignment, empty-body]

    about = {"_": Annotated[object, Depends(need)], "limit": Annotated[int, Query(le=most)]}
    read.__annotations__ = {"name": str, **about, "return": list[str]}
    return read


def test_functions_of_the_same_lines_share_their_parameters_and_need_what_each_of_them_names() -> None:
    def one() -> None: ...
    def other(limit: int) -> None: ...

    first, second = (utils.get_dependant(path="/", call=made(need)) for need in (one, other))
    assert first.call is not second.call
    assert [each is like for each, like in zip(first.query_params, second.query_params, strict=True)] == [True, True]
    assert [need.call for need in first.dependencies + second.dependencies] == [one, other]
    assert [named(need.query_params) for need in first.dependencies + second.dependencies] == [[], ["limit"]]


@pytest.mark.parametrize("differing", [{"most": 8}, {"default": 2}, {"default": True}])
def test_functions_of_the_same_lines_that_say_something_else_share_nothing(differing: dict[str, Any]) -> None:
    def need() -> None: ...

    first, second = (utils.get_dependant(path="/", call=made(need, **more)) for more in ({}, differing))
    assert named(first.query_params) == named(second.query_params) == ["name", "limit"]
    assert first.query_params[1] is not second.query_params[1]


def test_what_is_kept_of_functions_holds_none_of_them() -> None:
    def need() -> None: ...

    read = made(need)
    utils.get_dependant(path="/", call=read)
    kept = shared_schemas._LIKE[read.__code__].values()
    assert kept and [one.call for like in kept for one in (like, *like.dependencies)] == [None, None] * len(kept)


def test_the_types_of_answers_are_those_that_functions_name() -> None:
    def need() -> None: ...

    routes = [APIRoute("/", made(need)) for _ in range(2)]
    assert [route.response_model for route in routes] == [list[str], list[str]]
    assert routes[0].response_field is routes[1].response_field
    assert APIRoute("/", need).response_field is None


def test_servers_are_described_alike_whoever_was_first(tmp_path: Path) -> None:
    described = []
    for name in ("first", "second"):
        with served(tmp_path / name) as site:
            described.append(site.app.openapi())
    assert described[0] == described[1]
