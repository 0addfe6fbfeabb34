"""One trace spans CMS to partner: from a `traceparent` through the ledger's rows to the webhook."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from asgi import Answer, send
from bench import START, Bench, WithoutFeeds, paper
from collector import PATH, Traced, bodies, resources, spans
from every_stage import deliver, enrich, render
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.statements import counted
from config import load
from config.settings import Settings
from pipeline.channels.webhook import Webhook
from pipeline.channels.webhook.settings import WebhookSettings
from pipeline.channels.webhook.signing import new_secret, read_signer, signed
from pipeline.errors import ConfigError
from pipeline.http import EgressGuard, Http
from pipeline.ledger import Ledger, tokens
from pipeline.ledger.tables import events
from pipeline.stages.context import ChannelPlan
from pipeline.stages.deliver.in_rounds import Rounds
from pipeline.stages.stage import drain
from pipeline.tracing import NoTracing, is_traceparent
from pipeline.web.app import create_app
from standins.receiver import Conduct, Received, Receiver
from workers import telemetry
from workers.tracing import OpenTelemetry

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SENT = f"00-{TRACE}-{SPAN}-01"
HEX = "0123456789abcdef"
COUNT = 12
MANY, POSTED = 1_000, 100  # events, and those of one request
SERVER, CLIENT = 2, 3  # kinds of spans in OTLP
GUARD = EgressGuard([ipaddress.ip_network("127.0.0.0/8")])


@pytest.fixture
def collector() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def partner(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    secret = new_secret()
    monkeypatch.setenv("PARTNER_SECRET", secret)
    with Receiver(secrets=[secret]) as receiver:
        yield receiver


@pytest.fixture
def tracing(collector: Receiver) -> Iterator[OpenTelemetry]:
    made = OpenTelemetry(collector.url + PATH)
    yield made
    made.close()


@pytest.fixture
def bench(ledger: Ledger, partner: Receiver, tracing: OpenTelemetry) -> Bench:
    made = WithoutFeeds(ledger)
    made.pubmed.papers = {"1": paper("1")}
    settings = WebhookSettings(url=partner.url, secret="env:PARTNER_SECRET")
    plan = ChannelPlan(id="partner", format="plain", open=lambda: Webhook(settings, Http(GUARD)), singly=True)
    made.context = replace(made.context, channels={"partner": plan}, tracing=tracing)
    with ledger.write() as transaction:
        tokens.add(transaction, "cms", name="of the CMS", scope="publish", now=START)
    return made


def event(number: int, text: str = "Rest.", **more: object) -> dict[str, object]:
    article = {"title": f"Spasms {number}", "summary": text, "published": "2026-02-01", "references": ["1"]}
    kind = "org.citewire.article.published"
    about = {"specversion": "1.0", "source": "cms", "type": kind, "subject": f"note-{number}", "data": article}
    return about | {"id": f"{number} {text}"} | more


def post(bench: Bench, *sent: dict[str, object], **headers: str) -> Answer:
    app = create_app(bench.context, alive=list)
    named = {"Authorization": "Bearer cms", "Content-Type": "application/cloudevents-batch+json"} | headers
    return asyncio.run(send(app, "POST", "/v1/events", body=json.dumps(sent).encode(), headers=named))


def is_signed(request: Received) -> bool:
    """Whether the signature is right. It covers no header but those two."""
    id, at = request.headers["webhook-id"], int(request.headers["webhook-timestamp"])
    signers = [read_signer(os.environ["PARTNER_SECRET"])]
    return signed(id, at, request.body, signers)["webhook-signature"] == request.headers["webhook-signature"]


def worked(bench: Bench) -> None:
    for stage in (enrich, render):
        drain(bench.context, stage)
    deliver.drain(bench.context, "partner")


def arrived(tracing: OpenTelemetry, collector: Receiver) -> dict[str, list[Traced]]:
    tracing.close()
    found: dict[str, list[Traced]] = {}
    for span in spans(collector):
        found.setdefault(span.name, []).append(span)
    return found


def traces(ledger: Ledger) -> list[str | None]:
    with ledger.read() as transaction:
        return list(transaction.scalars(sa.select(events.c.trace)))


def test_one_trace_spans_cms_to_partner_over_a_batch_of_sends(
    bench: Bench, collector: Receiver, partner: Receiver, tracing: OpenTelemetry
) -> None:
    answer = post(bench, *(event(number) for number in range(COUNT)), traceparent=SENT)
    assert answer.status == 202
    worked(bench)
    found = arrived(tracing, collector)

    accepted = {span.facts["citewire.article"]: span for span in found["accept"]}
    assert {(span.trace, span.parent, span.kind) for span in accepted.values()} == {(TRACE, SPAN, SERVER)}
    assert sorted(traces(bench.ledger), key=str) == sorted(span.traceparent for span in accepted.values())
    for name in ("render", "deliver"):
        assert {span.facts["citewire.article"] for span in found[name]} == set(accepted)
        assert all(span.parent == accepted[span.facts["citewire.article"]].id for span in found[name])
    assert {(span.trace, span.kind) for span in found["deliver"]} == {(TRACE, CLIENT)}

    every = {(TRACE, span.id) for span in accepted.values()}
    for name in ("enrich", "render batch", "deliver batch"):
        (batch,) = found[name]
        assert batch.links == every
        assert (batch.parent, batch.trace == TRACE) == ("", False)

    assert len(partner.received) == COUNT
    assert {one.headers["traceparent"] for one in partner.received} == {one.traceparent for one in found["deliver"]}
    assert all(is_signed(one) for one in partner.received)


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)  # as above on both; so many take seconds
def test_one_trace_spans_a_thousand_batched_sends(
    bench: Bench, collector: Receiver, partner: Receiver, tracing: OpenTelemetry
) -> None:
    """As above, over as many sends as several batches make; no span of any is lost on its way to the collector."""
    names = {f"note-{number}" for number in range(MANY)}
    for some in range(0, MANY, POSTED):
        sent = (event(number) for number in range(some, some + POSTED))
        assert post(bench, *sent, traceparent=SENT).status == 202
    worked(bench)
    found = arrived(tracing, collector)

    accepted = {span.facts["citewire.article"]: span for span in found["accept"]}
    assert {(span.trace, span.parent) for span in accepted.values()} == {(TRACE, SPAN)}
    for name in ("accept", "render", "deliver"):
        assert len(found[name]) == MANY
        assert {span.facts["citewire.article"] for span in found[name]} == names
        assert {span.trace for span in found[name]} == {TRACE}
    every = {(TRACE, span.id) for span in accepted.values()}
    for name in ("render batch", "deliver batch"):
        assert len(found[name]) > 1
        assert sum(len(batch.links) for batch in found[name]) == MANY  # each send is in one batch
        assert {link for batch in found[name] for link in batch.links} == every
    assert {one.headers["traceparent"] for one in partner.received} == {one.traceparent for one in found["deliver"]}
    assert len(partner.received) == MANY
    assert tracing.lost == 0


def test_what_the_collector_never_got_is_counted_and_said(
    collector: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    collector.conduct(Conduct(status=400))
    tracing = OpenTelemetry(collector.url + PATH)
    for number in range(3):
        with tracing.span(f"step {number}"):
            pass
    tracing.close()
    assert tracing.lost == 3
    assert "spans were lost" in capsys.readouterr().out


def test_a_delivery_in_a_round_is_part_of_the_trace_too(
    bench: Bench, collector: Receiver, partner: Receiver, tracing: OpenTelemetry
) -> None:
    post(bench, event(1), traceparent=SENT)
    worked(bench)
    post(bench, event(1, "Rest and stretch."), traceparent=SENT)
    for stage in (enrich, render):
        drain(bench.context, stage)
    assert Rounds(bench.context).run() == 1
    found = arrived(tracing, collector)["deliver"]
    assert [span.traceparent for span in found] == [one.headers["traceparent"] for one in partner.received]
    assert [span.facts["citewire.revision"] for span in found] == [1, 2]


def test_an_attempt_that_fails_is_marked_with_its_code_and_the_next_continues_the_trace(
    bench: Bench, collector: Receiver, partner: Receiver, tracing: OpenTelemetry
) -> None:
    partner.conduct(Conduct(status=503, times=1, body="secret=hush-hush"))
    post(bench, event(1), traceparent=SENT)
    worked(bench)
    bench.clock.pass_(3600)
    worked(bench)
    first, second = arrived(tracing, collector)["deliver"]
    assert (first.is_error, first.facts["error.type"]) == (True, "try-later")
    assert (second.is_error, second.facts["http.response.status_code"]) == (False, 204)
    assert first.parent == second.parent
    assert (first.facts["citewire.attempt"], second.facts["citewire.attempt"]) == (1, 2)


def test_no_text_of_an_article_and_no_secret_is_in_a_span(
    bench: Bench, collector: Receiver, tracing: OpenTelemetry, partner: Receiver
) -> None:
    post(bench, event(1, "Baclofen 5 mg at night."), traceparent=SENT)
    worked(bench)
    arrived(tracing, collector)
    sent = b"".join(bodies(collector))
    assert b"note-1" in sent
    for private in (b"Spasms", b"Baclofen", b"cms", b"whsec", partner.url.encode()):
        assert private not in sent
    assert {one["service.name"] for one in resources(collector)} == {"citewire"}


def test_a_withdrawal_is_traced_from_the_event_that_asked_for_it(
    bench: Bench, collector: Receiver, partner: Receiver, tracing: OpenTelemetry
) -> None:
    post(bench, event(1))
    worked(bench)
    gone = {"type": "org.citewire.article.withdrawn", "data": {"reason": "It was wrong."}}
    post(bench, event(1, "again", **gone), traceparent=SENT)
    worked(bench)
    assert partner.received[-1].headers["citewire-event"] == "withdrawn"
    assert partner.received[-1].headers["traceparent"][3:35] == TRACE
    assert partner.received[0].headers["traceparent"][3:35] != TRACE  # a trace of its own
    assert len(arrived(tracing, collector)["deliver"]) == 2


def test_what_its_sender_does_not_record_is_passed_on_and_not_recorded(
    bench: Bench, collector: Receiver, partner: Receiver, tracing: OpenTelemetry
) -> None:
    post(bench, event(1), traceparent=f"00-{TRACE}-{SPAN}-00")
    worked(bench)
    (request,) = partner.received
    assert request.headers["traceparent"][3:35] == TRACE
    assert request.headers["traceparent"].endswith("-00")
    assert arrived(tracing, collector) == {}


def test_an_event_of_a_batch_may_name_a_trace_of_its_own(
    bench: Bench, tracing: OpenTelemetry, collector: Receiver
) -> None:
    other = f"00-{'a' * 32}-{'b' * 16}-01"
    post(bench, event(1, traceparent=other), event(2), traceparent=SENT)
    found = arrived(tracing, collector)["accept"]
    assert {(span.facts["citewire.article"], span.trace) for span in found} == {("note-1", "a" * 32), ("note-2", TRACE)}


@pytest.mark.parametrize("sent", [SENT.upper(), SENT + "-more", "", "00", 5, ["x"], "\u202e", "x" * 100_000])
def test_what_is_no_traceparent_is_ignored_and_counted(bench: Bench, tracing: OpenTelemetry, sent: object) -> None:
    assert post(bench, event(1, traceparent=sent)).status == 202
    assert tracing.ignored == 1
    app = create_app(bench.context, alive=list)
    metrics = asyncio.run(send(app, "GET", "/metrics")).body.decode()
    assert "citewire_traceparents_ignored_total 1.0" in metrics
    (kept,) = traces(bench.ledger)
    assert kept is not None
    assert TRACE not in kept


def test_nothing_is_kept_sent_or_asked_without_tracing(bench: Bench, partner: Receiver, collector: Receiver) -> None:
    def asked(step: Callable[[], object]) -> int:
        with counted() as statements:
            step()
        return statements.statements

    def all_of_it(number: int) -> list[int]:
        return [asked(lambda: post(bench, event(number), traceparent=SENT)), asked(lambda: worked(bench))]

    all_of_it(0)  # the first is asked about at PubMed, and delivered to a channel that never answered
    on = all_of_it(1)
    bench.context = replace(bench.context, tracing=NoTracing())
    off = all_of_it(2)
    assert "traceparent" not in partner.received[-1].headers
    assert traces(bench.ledger).count(None) == 1
    assert off[0] == on[0]
    assert on[1] - off[1] == 1  # the traces of the articles that are rendered


def test_a_collector_that_is_away_holds_nothing_up(bench: Bench, partner: Receiver, monkeypatch: Any) -> None:
    monkeypatch.setattr("workers.tracing._LAST", 0.5)
    away = OpenTelemetry("http://127.0.0.1:1/v1/traces")
    bench.context = replace(bench.context, tracing=away)
    post(bench, event(1), traceparent=SENT)
    worked(bench)
    away.close()
    assert len(partner.received) == 1


# --- traceparent --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        (SENT, True),
        (SENT[:-2] + "00", True),
        (SENT[:-2] + "ff", True),
        ("cc" + SENT[2:], True),
        ("cc" + SENT[2:] + "-what-comes-later", True),
        ("cc" + SENT[2:] + "x", False),
        ("ff" + SENT[2:], False),
        (SENT + "-", False),
        (SENT + "-00", False),
        (SENT[:-1], False),
        (SENT + " ", False),
        (SENT + "\n", False),
        (SENT.upper(), False),
        (SENT.replace("-", "_"), False),
        (f"00-{'0' * 32}-{SPAN}-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (f"00-{TRACE[:-1]}٣-{SPAN}-01", False),
        (f"{SENT}, {SENT}", False),
        ("", False),
    ],
)
def test_a_traceparent_is_read_as_w3c_says(text: str, is_valid: bool) -> None:
    assert is_traceparent(text) is is_valid


def digits(number: int) -> st.SearchStrategy[str]:
    return st.text(HEX, min_size=number, max_size=number)


@given(digits(2), digits(32), digits(16), digits(2))
def test_fields_of_the_right_form_are_valid_unless_an_id_is_zero(
    version: str, trace: str, span: str, flags: str
) -> None:
    expected = version != "ff" and int(trace, 16) > 0 and int(span, 16) > 0
    assert is_traceparent(f"{version}-{trace}-{span}-{flags}") is expected


@given(st.integers(0, len(SENT) - 1), st.characters() | st.sampled_from(HEX + "-"))
def test_another_character_in_its_place_is_valid_only_if_it_is_of_the_same_kind(at: int, other: str) -> None:
    expected = other in ("-" if SENT[at] == "-" else HEX)
    assert is_traceparent(SENT[:at] + other + SENT[at + 1 :]) is expected


# --- settings -----------------------------------------------------------------------------------------------------


def settings(**own: object) -> Settings:
    loaded = load({"CITEWIRE_DATA": "unused"})
    return loaded.model_copy(update={"telemetry": type(loaded.telemetry).model_validate(own)})


def test_without_the_setting_nothing_is_traced() -> None:
    assert isinstance(telemetry.tracing_of(settings()), NoTracing)


def test_a_setting_without_its_extra_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("opentelemetry.sdk")]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError) as refused:
        telemetry.check_telemetry(settings(otlp_url="http://127.0.0.1:4318/v1/traces"))
    assert (refused.value.key, refused.value.code) == ("telemetry.otlp_url", "extra-missing")
    assert "citewire[tracing]" in str(refused.value.hint)


def test_the_collector_is_sent_what_the_settings_say(monkeypatch: pytest.MonkeyPatch, collector: Receiver) -> None:
    monkeypatch.setenv("COLLECTOR", "Bearer of-the-collector")
    made = telemetry.tracing_of(settings(otlp_url=collector.url + PATH, otlp_authorization="env:COLLECTOR"))
    with made.span("accept"):
        pass
    made.close()
    assert {one.headers["authorization"] for one in collector.received} == {"Bearer of-the-collector"}


def test_no_trace_begins_here_if_the_share_is_none(collector: Receiver) -> None:
    made = telemetry.tracing_of(settings(otlp_url=collector.url + PATH, sample_ratio=0.0))
    with made.span("accept"), made.span("accept", parent=SENT):
        pass
    made.close()
    assert [span.trace for span in spans(collector)] == [TRACE]


def test_the_authorization_is_never_sent_in_plain_text() -> None:
    with pytest.raises(ValueError, match="otlp_url"):
        settings(otlp_url="http://collector.example.org/v1/traces", otlp_authorization="env:COLLECTOR")
