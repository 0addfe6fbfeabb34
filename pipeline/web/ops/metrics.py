"""/metrics, in Prometheus' text format. Read from the ledger for each scrape, so that any process can answer.

Only refusals and invalid traces are counted by each web process for itself.

It follows Prometheus' conventions: base units, `_total` on counters, no labels with unbounded values.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from fastapi import Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from pipeline.ledger import Transaction, articles, deliveries, figures, processes
from pipeline.ledger.articles import events, withheld
from pipeline.ledger.claims import Due
from pipeline.ledger.deliveries import repair
from pipeline.ledger.evidence import changes as evidence_changes
from pipeline.stages.backlog import backlogs
from pipeline.stages.context import Context
from pipeline.web.openapi.answers import document, problems
from pipeline.web.refusals import Refusals
from pipeline.web.rooms import Room

_LATELY = dt.timedelta(hours=1)
_MOMENT = dt.timedelta(minutes=10)
_BOUNDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3_600.0, 86_400.0)  # seconds


def router(context: Context, refusals: Refusals) -> Room:
    metrics = Room(tags=["operations"])
    answers = document(["text/plain"], "The metrics.", cached=False) | problems()

    @metrics.get("/metrics", response_class=Response, responses=answers)
    def get_metrics() -> Response:
        """Return the metrics in the text format of Prometheus."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Ledger(context))
        registry.register(refusals.counter)
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    return metrics


class _Ledger(Collector):
    """The ledger at the moment of a scrape."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def describe(self) -> list[Metric]:
        """Return nothing, so that the registry does not read the ledger just to learn the names."""
        return []

    def collect(self) -> list[Metric]:
        now = self._context.clock()
        with self._context.ledger.read() as transaction:
            return list(_measured(self._context, transaction, now))


def _measured(context: Context, transaction: Transaction, now: dt.datetime) -> Iterator[Metric]:
    yield _gauge("articles", "Articles", ("state",), _words(articles.counts(transaction)))
    yield from _references(transaction)
    changes = CounterMetricFamily(
        "citewire_evidence_changes", "Editorial states of cited papers, gained and lost", labels=("change", "editorial")
    )
    for labels, count in evidence_changes.counts(transaction).items():
        changes.add_metric(labels, count)
    yield changes
    overtaken = CounterMetricFamily("citewire_events_overtaken", "Events answered as overtaken and not carried out")
    overtaken.add_metric((), events.overtaken(transaction))
    yield overtaken
    ignored = CounterMetricFamily("citewire_traceparents_ignored", "Senders' traceparent that were not valid")
    ignored.add_metric((), context.tracing.ignored)
    yield ignored
    by_state: dict[tuple[str, ...], float] = dict(deliveries.counts_by_channel(transaction).items())
    yield _gauge("deliveries", "Deliveries", ("channel", "state"), by_state)
    yield _gauge(
        "withheld", "Articles kept from a channel, or from all", ("cause",), _words(withheld.counts(transaction))
    )
    due = backlogs(context, transaction, now)
    yield _gauge("oldest_due_seconds", "For how long work has waited", ("stage",), _waits(due, now))
    counts: dict[tuple[str, ...], float] = {(name,): one.count for name, one in due.items()}
    yield _gauge("due", "Rows that are due, waiting or being worked on", ("stage",), counts)
    yield from _sends(transaction, now)
    tried = figures.attempts_by_outcome(transaction, since=now - _LATELY)
    yield _gauge("attempts_last_hour", "Attempts at deliveries in the last hour", ("outcome",), _words(tried))
    yield _gauge(
        "deliveries_stranded", "Deliveries that no worker will pick up: a fault", (), {(): repair.count(transaction)}
    )
    yield from _processes(transaction, now)
    yield _gauge("feeds_stale", "Feeds that wait to be built", (), {(): figures.stale_feeds(transaction)})


def _processes(transaction: Transaction, now: dt.datetime) -> Iterator[Metric]:
    running = processes.alive(transaction, now=now)
    # Without the process ids, which would make a new series at each restart.
    ahead: dict[tuple[str, ...], float] = {(one.name.rpartition(":")[0],): one.clock_off / 1000 for one in running}
    yield _gauge("clock_ahead_seconds", "By which a process's clock is ahead of the ledger's", ("process",), ahead)
    stopped = sum(one.trouble is not None for one in running)
    yield _gauge("processes_held", "Processes that take no work: their log says why", (), {(): stopped})
    variants = len({one.settings for one in running})
    yield _gauge("settings_variants", "Different settings of processes: one, or a fault", (), {(): variants})


def _references(transaction: Transaction) -> Iterator[Metric]:
    states: dict[tuple[str, ...], float] = {}
    marks: dict[tuple[str, ...], float] = {}
    for (state, editorial), count in figures.references_by_standing(transaction).items():
        states[(state,)] = states.get((state,), 0) + count
        for mark in editorial.split():
            marks[(mark,)] = marks.get((mark,), 0) + count
    yield _gauge("references", "Papers that were ever cited", ("state",), states)
    by_identifier = _words(figures.identifiers_by_state(transaction))
    yield _gauge("cited_identifiers", "DOIs, PMCIDs and books that were ever cited", ("state",), by_identifier)
    yield _gauge("references_editorial", "Papers with an editorial state; one may have several", ("editorial",), marks)


def _waits(due: Mapping[str, Due], now: dt.datetime) -> dict[tuple[str, ...], float]:
    """Return how long each stage's oldest work has waited, in seconds, or zero if nothing is due yet."""
    return {(name,): max((now - (one.oldest or now)).total_seconds(), 0.0) for name, one in due.items()}


def _sends(transaction: Transaction, now: dt.datetime) -> Iterator[Metric]:
    """Yield the sends of the last ten minutes by channel type, and how long after the publish they were accepted."""
    found = figures.sends(transaction, since=now - _MOMENT, bounds=_BOUNDS)
    by_outcome: dict[tuple[str, ...], float] = {(one.type, one.outcome): one.count for one in found}
    yield _gauge("sends_last_ten_minutes", "Attempts by channel type", ("type", "outcome"), by_outcome)
    times = HistogramMetricFamily(
        "citewire_publish_to_delivered_seconds", "From publish to acceptance, of the last ten minutes", labels=("type",)
    )
    for one in found:
        if one.outcome == "delivered":
            buckets = [(f"{bound:g}", float(count)) for bound, count in zip(_BOUNDS, one.within, strict=True)]
            times.add_metric((one.type,), [*buckets, ("+Inf", float(one.count))], one.seconds)
    yield times


def _gauge(
    name: str, description: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]
) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(f"citewire_{name}", description, labels=labels)
    for key, value in sorted(values.items()):
        gauge.add_metric(key, value)
    return gauge


def _words(counts: Mapping[str, int]) -> dict[tuple[str, ...], float]:
    return {(word,): count for word, count in counts.items()}
