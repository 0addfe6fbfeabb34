"""What a delivery makes of an answer."""

from __future__ import annotations

import datetime as dt
import pickle
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import EndpointGone, PermanentError, TransientError
from pipeline.http import Response

NOW = dt.datetime(2026, 3, 1, 12, 0, 0, tzinfo=dt.UTC)
DAY = 86_400


def asked(value: str) -> float | None:
    return Response(503, {"retry-after": value}).retry_after(NOW)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("Sun, 01 Mar 2026 12:02:00 GMT", 120),
        ("Sunday, 01-Mar-26 12:02:00 GMT", 120),
        ("Sun Mar  1 12:02:00 2026", 120),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("99999999999999999999999999", DAY),
        ("9" * 5000, DAY),
        ("Sun, 01 Mar 2099 12:00:00 GMT", DAY),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("Sun, 99 Mar 2026 12:00:00 GMT", None),
    ],
)
def test_retry_after_in_both_forms(value: str, seconds: float | None) -> None:
    assert asked(value) == seconds


@given(st.text())
def test_retry_after_of_any_text_is_nothing_or_at_most_a_day(value: str) -> None:
    seconds = asked(value)
    assert seconds is None or 0 <= seconds <= DAY


@given(st.integers(0, DAY))
def test_a_date_says_the_same_as_its_distance(seconds: int) -> None:
    date = format_datetime(NOW + dt.timedelta(seconds=seconds), usegmt=True)
    assert asked(date) == asked(str(seconds)) == seconds


def test_headers_are_found_in_any_case() -> None:
    assert Response(200, {"Retry-After": "5"}).headers["RETRY-AFTER"] == "5"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered(status: int) -> None:
    Response(status).raise_for_delivery(NOW)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_a_passing_trouble_is_tried_again_when_the_other_side_says(status: int) -> None:
    with pytest.raises(TransientError) as raised:
        Response(status, {"Retry-After": "30"}).raise_for_delivery(NOW)
    assert (raised.value.retry_after, raised.value.status) == (30, status)


@pytest.mark.parametrize("status", [301, 302, 304, 307, 400, 401, 403, 404, 413, 422])
def test_another_refusal_is_the_partners_to_mend(status: int) -> None:
    with pytest.raises(PermanentError) as raised:
        Response(status).raise_for_delivery(NOW)
    assert raised.value.status == status
    assert not isinstance(raised.value, EndpointGone)


def test_410_says_never_again() -> None:
    with pytest.raises(EndpointGone) as raised:
        Response(410).raise_for_delivery(NOW)
    assert pickle.loads(pickle.dumps(raised.value)).status == 410  # noqa: S301


def test_the_message_carries_the_first_line_of_the_answer() -> None:
    with pytest.raises(PermanentError, match=r"^422 \w+ \w+: unknown topic$"):
        Response(422, {}, b"\n  unknown\ttopic \nstack trace").raise_for_delivery(NOW)


def test_an_error_page_is_quoted_without_its_markup() -> None:
    page = b"<!doctype html>\n<html><head><title>Gateway down</title></head><body></body></html>"
    assert Response(502, {}, page).excerpt == "Gateway down"


@given(st.binary(max_size=6000))
def test_no_answer_puts_more_than_one_printable_line_into_a_message(body: bytes) -> None:
    excerpt = Response(500, {}, body).excerpt
    assert len(excerpt) <= 200
    assert excerpt.isprintable()


def test_a_status_without_a_name_is_given_as_a_number() -> None:
    assert Response(299).line == "299"
