"""Servers of one test process share the validators of equal fields, and of no others."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from fastapi import Depends
from fastapi._compat.v2 import ModelField
from fastapi.dependencies import utils
from fastapi.routing import APIRoute
from pydantic import BeforeValidator
from pydantic.fields import FieldInfo


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
