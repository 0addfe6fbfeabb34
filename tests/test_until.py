"""Tests wait for what is not there yet, whether it is falsy or cannot be looked into, and say what they waited for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from waiting import until

NOTHING: dict[object, object] = {}


@pytest.mark.parametrize(
    "absent",
    [lambda: tuple(NOTHING)[-1], lambda: NOTHING["deliveries"], lambda: None, lambda: False],
    ids=["list", "dict", "none", "false"],
)
def test_what_cannot_be_looked_into_yet_is_asked_again(absent: Callable[[], Any]) -> None:
    looks = iter((absent, absent, lambda: "here"))

    def found() -> Any:
        return next(looks)()

    assert until(found) == "here"


def test_what_never_comes_is_named_with_why_it_could_not_be_looked_into() -> None:
    with pytest.raises(AssertionError, match=r"not within 0 s: the delivery") as failed:
        until(lambda: NOTHING["delivery"], within=0, what=lambda: "the delivery")
    assert isinstance(failed.value.__cause__, KeyError)


def test_another_error_is_not_waited_out() -> None:
    with pytest.raises(ZeroDivisionError):
        until(lambda: 1 / 0)
