"""Every kind of answer of NCBI's is classified: the recorded ones, and the traps between them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import Answers, answers

from pipeline.errors import TransientError
from pipeline.http import Response
from pipeline.model.reference import Reference
from pipeline.references.pubmed.answers import read_efetch

__all__ = ["answers"]  # a fixture

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
NO_VALID_IDS = "no valid ids"
RECORDED = {
    "200_empty_set.xml": "no records",
    "400_id_list_empty.xml": NO_VALID_IDS,
    "400_id_list_empty.txt": NO_VALID_IDS,
    "200_text_pmid_not_available.txt": NO_VALID_IDS,
    "429_rate_limit_no_key.json": "rate-limited",
    "429_rate_limit_key.json": "rate-limited",
    "400_backend_pubone.xml": "backend-failed",
    "400_history_out_of_range.xml": "backend-failed",
    "500_html_head.html": "html-page",
    "blocked_html_head.html": "html-page",
    "ratecontrol_unroutable.txt": "unroutable",
    "200_esummary_too_many_uids.json": "not-data",
    "200_esummary_missing_uid.json": "not-data",
}


def outcome(response: Response) -> dict[str, Reference] | TransientError | None:
    try:
        return read_efetch(response, NOW)
    except TransientError as error:
        return error


def classified(response: Response) -> str:
    match outcome(response):
        case None:
            return NO_VALID_IDS
        case TransientError() as error:
            return error.code
        case records:
            return f"{len(records) or 'no'} records"


@pytest.mark.parametrize("name", RECORDED)
def test_each_recorded_answer_is_told_apart(answers: Answers, name: str) -> None:
    assert classified(answers.response(name)) == RECORDED[name]


def test_every_recorded_answer_is_looked_at(answers: Answers) -> None:
    assert set(RECORDED) == answers.names()


@pytest.mark.parametrize("name", ["429_rate_limit_no_key.json", "429_rate_limit_key.json"])
def test_the_body_counts_whatever_the_status(answers: Answers, name: str) -> None:
    assert classified(answers.response(name, status=200)) == "rate-limited"


@pytest.mark.parametrize("name", sorted(set(RECORDED) - {"200_empty_set.xml"}))
def test_no_error_repeats_a_body_which_may_name_the_callers_address(answers: Answers, name: str) -> None:
    message = str(outcome(answers.response(name)))
    assert "192.0.2.1" not in message
    assert not any(line and line in message for line in answers.response(name).body.decode().splitlines())


def test_retry_after_is_taken_where_it_is_given(answers: Answers) -> None:
    with pytest.raises(TransientError) as limited:
        read_efetch(answers.response("429_rate_limit_no_key.json"), NOW)
    assert (limited.value.retry_after, limited.value.status) == (2.0, 429)
    with pytest.raises(TransientError) as keyed:
        read_efetch(answers.response("429_rate_limit_key.json"), NOW)
    assert keyed.value.retry_after is None


SET = (
    b"<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>7</PMID>"
    b"<Article><ArticleTitle>%b</ArticleTitle></Article>"
)
END = b"</MedlineCitation></PubmedArticle></PubmedArticleSet>"


@pytest.mark.parametrize(
    "title",
    [
        b"API rate limit exceeded",
        b"Unable to route request!",
        b"Blocked &lt;html",
        b"ID list is empty",
        b"proxy_stream",
    ],
)
def test_the_words_of_a_title_are_not_mistaken_for_a_failure(title: bytes) -> None:
    assert classified(Response(200, {}, SET % title + END)) == "1 records"


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (Response(200, {}, SET % b"T"), "unreadable-xml"),
        (Response(200, {}, SET % b"T" + b"<ERROR>late</ERROR>" + END), "unreadable-xml"),
        (Response(500, {}, SET % b"T" + END), "backend-failed"),
        (Response(503, {"Retry-After": "9"}, b""), "backend-failed"),
        (Response(200, {}, b""), "not-data"),
        (Response(200, {}, b"\xff\xfe\x00"), "not-data"),
        (Response(301, {"Location": "https://elsewhere.example/"}, b""), "redirected"),
        (Response(414, {}, b"Request-URI Too Long"), "refused-by-ncbi"),
        (Response(400, {}, b'{"error":"API key invalid","api-key":"s3cret","type":"client"}'), "api-key-refused"),
        (Response(429, {}, b"slow down"), "rate-limited"),
        (Response(503, {}, b"<eFetchResult><ERROR>ID list is empty!</ERROR></eFetchResult>"), "backend-failed"),
    ],
)
def test_what_is_no_answer_is_transient(response: Response, kind: str) -> None:
    assert classified(response) == kind


def test_a_refused_key_is_not_repeated() -> None:
    with pytest.raises(TransientError) as refused:
        read_efetch(Response(400, {}, b'{"error":"API key invalid","api-key":"s3cret"}'), NOW)
    assert "s3cret" not in str(refused.value)


@settings(deadline=None)
@given(st.integers(100, 599), st.binary(max_size=300))
def test_no_bytes_make_anything_but_an_answer_or_a_transient_error(status: int, body: bytes) -> None:
    found = outcome(Response(status, {}, body))
    assert found in (None, {}) or isinstance(found, TransientError)
