"""render: Article, References, Site → Renditions, scheduled for delivery to every channel that wants them.

A revision is rendered in the formats that are wanted of it (`wanted`), from the references known at that moment, which
are kept with it. When different evidence arrives later, the next revision is rendered. A change that no reader can see,
apart from numbers and dates, creates no revision, and a channel whose format does not show a change is not sent it.

    read      what the ledger knows of a batch of articles  (reading.read)
    decide    what to do with each                          (decide.decide, pure)
    render    each revision in the formats wanted of it     (pure)
    apply     all of it, in one transaction                 (fan_out.apply)

An article that cannot be rendered is left out of the batch. If the whole batch fails, its articles are rendered one by
one, so that one of them does not hold up the others.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial

import structlog
from msgspec import Struct, structs

from pipeline.ledger import Transaction, articles
from pipeline.ledger.articles import traces
from pipeline.ledger.articles.renditions import Stored
from pipeline.ledger.claims import DueRows
from pipeline.model.rendition import Rendition, digest_of
from pipeline.model.revision import Revision
from pipeline.stages.bells import ring_for_channels
from pipeline.stages.context import LEASE, Context
from pipeline.stages.render import fan_out, held
from pipeline.stages.render.compare import compare
from pipeline.stages.render.decide import Comparison, Decision, Facts, decide
from pipeline.stages.render.fan_out import Decided, Due
from pipeline.stages.render.reading import read, read_channels
from pipeline.stages.render.wanted import rendered_in, wanted
from pipeline.stages.stage import Bell, Claim, Stage, caught, guarded
from pipeline.stages.working import Work
from pipeline.timing import unforeseen
from pipeline.tracing import batch, part

_ALONE_AFTER = 60.0  # seconds
_SET_ASIDE = "render-interrupted: its rendering never ended, or ended the process, each time"

_log = structlog.get_logger()


class Render(Stage):
    name = "render"
    kind = "article"
    threads = 2  # more would not make rendering faster, and would slow down the worker's other threads

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        return [Bell()] if articles.any_due(transaction, now=now) else []

    def due_rows(self, context: Context, now: dt.datetime) -> DueRows | None:
        return articles.due_rows(now)

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        """Lease a batch of articles."""
        now, policy, token = context.clock(), context.policy, context.new_id(LEASE)
        with context.ledger.write(lasting=False) as transaction:
            due = articles.claim_due(
                transaction, token=token, now=now, seconds=policy.render_lease, limit=policy.render_batch
            )
            ended = [] if due else articles.set_aside(transaction, now=now, error=_SET_ASIDE)
        for article_id in ended:
            _log.error("set aside", article=article_id, code="render-interrupted")
        return [Claim(token, tuple(due))] if due else []

    def may_be_left(self, context: Context, key: str = "") -> bool:
        with context.ledger.read() as transaction:
            return articles.any_due(transaction, now=context.clock())

    def do(self, context: Context, claim: Claim) -> bool:
        """Render the articles in portions of about `render_look` seconds, as long as the lease safely lasts."""
        left, stop = list(claim.keys), time.monotonic() + context.policy.render_lease / 2
        while left:
            done = self._portion(context, claim.token, left)
            left = [article_id for article_id in left if article_id not in done]
            if left and (time.monotonic() > stop or context.hold() is not None):
                self.release(context, [Claim(claim.token, tuple(left))])
                break
        return True

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"
        with context.ledger.write() as transaction:
            for article_id in claim.keys:
                seconds = unforeseen(articles.attempts_at(transaction, article_id))
                due = context.clock() + dt.timedelta(seconds=seconds)
                articles.put_off(transaction, article_id, token=claim.token, due=due, error=text)

    def over(self, context: Context, work: Work) -> None:
        """Let the article be rendered alone from now on, and in the end not at all."""
        due = context.clock() + dt.timedelta(seconds=_ALONE_AFTER)
        with context.ledger.write() as transaction:
            for article_id in work.keys:
                articles.suspect(transaction, article_id, token=work.token, due=due)

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        if claims:
            with context.ledger.write() as transaction:
                articles.release(transaction, [key for claim in claims for key in claim.keys], token=claims[0].token)

    def _portion(self, context: Context, token: str, article_ids: Sequence[str]) -> Collection[str]:
        """Render some of the articles, and return which."""
        outcome = caught(lambda: self._together(context, token, article_ids))
        if not isinstance(outcome, Exception):
            return outcome
        if len(article_ids) == 1:
            raise outcome
        _log.warning("a batch failed, and is rendered one by one", articles=len(article_ids), error=str(outcome))
        for article_id in article_ids:
            self._alone(context, token, article_id)
        return article_ids

    def _alone(self, context: Context, token: str, article_id: str) -> None:
        outcome = guarded(self.name, {"article": article_id}, lambda: self._together(context, token, [article_id]))
        if isinstance(outcome, Exception):
            self.failed(context, Claim(token, (article_id,)), outcome)

    def _together(self, context: Context, token: str, article_ids: Sequence[str]) -> Collection[str]:
        """Render the newest revisions, or the next ones where only the evidence or the rendering is new."""
        now, stop = context.clock(), time.monotonic() + context.policy.render_look
        with context.ledger.read() as transaction:
            states = articles.get_all(transaction, article_ids)
            live = [states[id] for id in article_ids if id in states and states[id].state != "withdrawn"]
            facts = read(context, transaction, live, now)
            traced = traces.of_articles(transaction, article_ids) if context.tracing.is_on else {}
        linked = traced.values() if len(article_ids) > 1 else ()
        with batch(context.tracing, "render batch", linked, facts={"citewire.articles": len(article_ids)}):
            done, made = self._made(context, token, article_ids, facts, traced, now, stop)
            _finish(context, token, made, now)
        return done

    def _made(
        self,
        context: Context,
        token: str,
        article_ids: Sequence[str],
        facts: Mapping[str, Facts],
        traced: Mapping[str, str],
        now: dt.datetime,
        stop: float,
    ) -> tuple[set[str], list[Made]]:
        """Render articles until `stop`. Return which, and what they look like now."""
        done: set[str] = set()
        made: list[Made] = []
        for article_id in article_ids:
            done.add(article_id)
            claim = Claim(token, (article_id,))
            with context.working.on(self.name, token, claim.keys, context.policy.article_budget):
                step = partial(_make_traced, context, claim, facts.get(article_id), now, traced.get(article_id))
                outcome = guarded(self.name, self.ids(claim), step)
            if isinstance(outcome, Exception):
                self.failed(context, claim, outcome)
            elif outcome is not None:
                made.append(outcome)
            if time.monotonic() > stop:
                break
        return done, made


class Made(Struct, frozen=True):
    """What an article looks like now, not stored yet."""

    facts: Facts
    compared: Comparison
    rendered: Sequence[Rendition]
    revision: Revision | None = None  # that `rendered` shows
    postponed: dt.datetime | None = None


def _make_traced(
    context: Context, claim: Claim, facts: Facts | None, now: dt.datetime, trace: str | None
) -> Made | None:
    with part(context.tracing, "render", trace, facts={"citewire.article": claim.keys[0]}) as span:
        made = _make(context, claim, facts, now)
        if made is not None and made.revision is not None:
            span.note({"citewire.revision": made.revision.number, "citewire.formats": len(made.rendered)})
        return made


def _make(context: Context, claim: Claim, facts: Facts | None, now: dt.datetime) -> Made | None:
    """Render an article, and put the bytes into the store. Return None for one that is withdrawn, or gone."""
    if facts is None:
        held.reconsider(context, claim)
        return None
    compared = compare(context, facts, now)
    decision = _decide(context, facts, compared, now)
    if decision.postponed is not None:
        return Made(facts, compared, (), postponed=decision.postponed)
    if decision.render:
        return Made(facts, compared, _rendered(context, facts, decision.revision), decision.revision)
    return Made(facts, compared, _added(context, facts), facts.rendered)


def _wanted(context: Context, facts: Facts, revision: Revision) -> frozenset[str]:
    return wanted(context, revision, facts.channels.keys() | facts.withheld.keys())


def _rendered(context: Context, facts: Facts, revision: Revision) -> list[Rendition]:
    return rendered_in(context, revision, _wanted(context, facts, revision))


def _added(context: Context, facts: Facts) -> list[Rendition]:
    """Return the published revision in formats that are wanted since it was rendered, if it is outdated."""
    if facts.rendered is None or not facts.outdated:
        return []
    return rendered_in(context, facts.rendered, _wanted(context, facts, facts.rendered) - facts.stored.keys())


def stored_body(context: Context, stored: Stored, revision: Revision) -> bytes:
    """Return the bytes of a rendition. Rendering is pure, so bytes missing from the store are rendered again."""
    body = context.store.get(stored.digest, stored.bytes)
    return made_again(context, stored, revision) if body is None else body


def made_again(context: Context, stored: Stored, revision: Revision) -> bytes:
    """Render the bytes that the store lacks, or has damaged."""
    body = context.formats[stored.format].render(revision, context.site)
    if digest_of(body) == stored.digest:  # a newer template gives other bytes, which have another name
        context.store.put(stored.digest, body)
    return body


def _decide(context: Context, facts: Facts, compared: Comparison, now: dt.datetime) -> Decision:
    return decide(context.policy, context.channels.values(), facts, compared=compared, now=now)


def _finish(context: Context, token: str, made: Sequence[Made], now: dt.datetime) -> None:
    """Store a batch and ring later stages. Articles that are being sent are stored one by one.

    The worker that sends them locks their deliveries in its own order, so that a transaction with several of them might
    end up in a deadlock with it.
    """
    left = _store(context, token, made, now)
    for one in left:
        _store(context, token, [one], now)


def _store(context: Context, token: str, made: Sequence[Made], now: dt.datetime) -> Sequence[Made]:
    """Store what can be stored in one transaction; return the rest."""
    if not made:
        return ()
    decided, due, left = context.ledger.written(lambda transaction: _stored(context, transaction, token, made, now))
    for one in decided:
        if one.decision.site_hold is not None:
            fan_out.log_withheld(one.id, one.decision.site_hold)
    ring_for_channels(context, due.urgent, urgent=True)
    ring_for_channels(context, due.channels, urgent=False)
    if any(_is_news(one.decision) for one in decided):
        context.doorbell.ring("feeds")
    for one in decided:
        if one.decision.render:
            number = one.decision.revision.number
            _log.info("rendered", article=one.id, revision=number, formats=len(one.rendered))
    return left


def _is_news(decision: Decision) -> bool:
    return decision.site_hold is not None or (decision.render and not decision.refreshed)


def _stored(
    context: Context, transaction: Transaction, token: str, made: Sequence[Made], now: dt.datetime
) -> tuple[list[Decided], Due, list[Made]]:
    """Decide from what the channels have now that the articles are locked, and store the decisions.

    Articles that have changed in the meantime, and those whose lease has expired, are left alone.
    """
    states = articles.lock_all_claimed(transaction, {one.facts.state.id for one in made}, token=token)
    mine = [one for one in made if one.facts.state.id in states]
    for one in mine:
        if one.postponed is not None:
            articles.put_off(transaction, one.facts.state.id, token=token, due=one.postponed, error=None)
    context.channels_now(transaction)
    ready = {one.facts.state.id: one for one in mine if one.postponed is None}
    channels = read_channels(transaction, {id: one.facts.rendered for id, one in ready.items()})
    sending = {id for id, known in channels.items() if any(one.sending for one in known.values())}
    apart = sending if len(ready) > 1 else set()
    decided = []
    for id in sorted(ready.keys() - apart):
        one = ready[id]
        facts = structs.replace(one.facts, state=states[id], channels=channels[id])
        decision = _decide(context, facts, one.compared, now)
        decided.append(Decided(facts, decision, _as_decided(context, facts, decision, one)))
    due = fan_out.apply(context, transaction, decided, now=now)
    return decided, due, [one for id, one in ready.items() if id in apart]


def _as_decided(context: Context, facts: Facts, decision: Decision, made: Made) -> Sequence[Rendition]:
    """Return the renditions, with those for channels that were configured while they were made.

    What was made while another decision was expected shows another revision, and is not what was decided.
    """
    rendered = made.rendered
    if decision.render and (made.revision is None or made.revision.number != decision.revision.number):
        rendered = _rendered(context, facts, decision.revision)
    sent = {context.channels[channel].format for channel in decision.scheduled}
    missing = sent - {one.format for one in rendered}
    return [*rendered, *rendered_in(context, decision.revision, missing)] if missing else rendered
