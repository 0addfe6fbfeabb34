"""Ask a source about single papers, a batch at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial

import structlog

from pipeline.appraisal.words_of_sources import state_of
from pipeline.errors import TransientError
from pipeline.ledger import Transaction
from pipeline.ledger.evidence import checks, verdicts
from pipeline.model.article import CitedWork
from pipeline.model.reference import SourceVerdict
from pipeline.references.source import SourceRecord, Verdict
from pipeline.stages.context import Context
from pipeline.stages.enrich.schedule import Schedule
from pipeline.stages.sources.news import recorded

_PER_TRANSACTION = 500
_LEASE = 120.0  # seconds: longer than a look-up of one batch may take
_SPACING = 1.0  # seconds between two requests, if the source does not say
_NOT_YET = dt.timedelta(minutes=10)  # until a paper is asked about again whose DOI PubMed has not given yet
_RETRACTED = "retracted publication"  # the only publication type that says what was done to the paper itself

_log = structlog.get_logger()


def ask_about_everything_cited(context: Context, name: str) -> None:
    """Have a new source asked about all papers that are cited, a few in each transaction."""
    last: str | None = ""
    while last is not None:
        with context.ledger.write() as transaction:
            last = checks.ensure_cited(transaction, name, last, now=context.clock(), limit=_PER_TRANSACTION)
            if last is None:
                verdicts.asked_about_all(transaction, name)


def claim(context: Context, name: str, token: str) -> list[str]:
    with context.ledger.write() as transaction:
        return checks.claim(
            transaction,
            name,
            token=token,
            now=context.clock(),
            seconds=_LEASE,
            limit=context.sources[name].source.most,
        )


def ask(context: Context, name: str, works: Sequence[str]) -> float:
    """Ask about the papers, and store the answers. Return how long to leave the source alone.

    Raises TransientError if nothing was learnt.
    """
    opened = context.sources[name]
    with context.ledger.read() as transaction:
        known = verdicts.papers_of(transaction, [one.removeprefix("pmid:") for one in works if one.startswith("pmid:")])
    asked = {work: one for work in works if (one := _askable(opened.source.schemes, work, known))}
    found = opened.client.look_up(list(dict.fromkeys(asked.values()))) if asked else None
    answers: dict[str, tuple[SourceVerdict, ...]] = {}
    for work, one in asked.items():
        if found and one in found.records:
            answers[work] = verdicts_of(name, found.records[one])
    denied = [work for work, one in asked.items() if found and one in found.unknown and work not in answers]
    store(context, name, works, answers, denied, asked)
    _log.info("asked", source=name, papers=len(asked), answered=len(answers), denied=len(denied))
    if asked and not answers and not denied:
        raise TransientError(f"{name} answered about none of {len(asked)} papers", code="not-data")
    return max(found.spacing or 0.0, _SPACING) if found else 0.0


def _ask_those_named_meanwhile(
    context: Context, transaction: Transaction, name: str, works: Sequence[str], now: dt.datetime
) -> None:
    """Have those of the works asked about now whose DOI has come since it was looked for.

    Their rows are locked by now, so whoever stores a DOI after this look finds them put off, and asks by itself. The
    rows of other sources are left alone: two that wait for the same DOI would each have locked what the other needs.
    """
    pmids = [work.removeprefix("pmid:") for work in works if work.startswith("pmid:")]
    known, schemes = verdicts.papers_of(transaction, pmids), context.sources[name].source.schemes
    checks.named(transaction, [work for work in works if _askable(schemes, work, known)], now=now, source=name)


def _askable(schemes: frozenset[str], work: str, known: dict[str, verdicts.Paper]) -> CitedWork | None:
    """Return the paper under a name that the source takes, or None as long as there is none."""
    scheme, _, value = work.partition(":")
    if scheme == "doi":
        return CitedWork("doi", value) if "doi" in schemes else None
    if "pmid" in schemes:
        return CitedWork("pmid", value)
    doi = known[value].doi if value in known else None
    return CitedWork("doi", doi) if doi and "doi" in schemes else None


def store(
    context: Context,
    name: str,
    works: Sequence[str],
    answers: dict[str, tuple[SourceVerdict, ...]],
    denied: Sequence[str],
    asked: dict[str, CitedWork],
) -> None:
    """Store what came of asking about the works. `asked`: those that had a name which the source takes."""
    now, schedule = context.clock(), Schedule(context)
    left_out = [work for work in asked if work not in answers and work not in denied]
    nameless = [work for work in works if work not in asked]
    pmids = [work.removeprefix("pmid:") for work in answers if work.startswith("pmid:")]
    dois = [work.removeprefix("doi:") for work in answers if work.startswith("doi:")]
    with context.ledger.write() as transaction:
        checks.put_off(transaction, name, left_out, due=schedule.left_out(now), error="left out of an answer")
        checks.put_off(transaction, name, nameless, due=now + _NOT_YET, error="no identifier that it takes")
        _ask_those_named_meanwhile(context, transaction, name, nameless, now)
        due = schedule.next_nightly_check(now)
        checks.denied(transaction, name, denied, due=due)
        store = partial(checks.store, transaction, name, answers, now=now, due=due)
        complete = recorded(context, transaction, pmids, dois, store)
        if answers or denied:
            verdicts.answered(transaction, name, now=now)
    if complete:
        context.doorbell.ring("render")


def verdicts_of(name: str, record: SourceRecord) -> tuple[SourceVerdict, ...]:
    """Return what a source's record says was done to the paper, each once."""
    verdicts_found = [one for verdict in record.verdicts if (one := _verdict(name, verdict))]
    is_retracted = any(kind.lower() == _RETRACTED for kind in record.types)
    if is_retracted and not any(one.state == "retracted" for one in verdicts_found):
        verdicts_found.append(SourceVerdict(source=name, state="retracted"))
    return tuple(dict.fromkeys(verdicts_found))


def _verdict(name: str, verdict: Verdict) -> SourceVerdict | None:
    state = state_of(verdict.kind)
    if state is None:
        return None
    return SourceVerdict(
        source=name,
        state=state,
        date=verdict.date.iso if verdict.date else None,
        notice_pmid=verdict.notice_pmid,
        notice_doi=verdict.notice_doi,
        text=verdict.text,
        reported_by=verdict.reported_by,
    )
