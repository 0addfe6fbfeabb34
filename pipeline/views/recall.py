"""The recall certificate: from the notice at a source to the proof at every place, for one retracted paper."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from pipeline.citations import citation_text
from pipeline.ledger import Transaction, articles, deliveries, evidence, places
from pipeline.ledger.deliveries import Delivery
from pipeline.ledger.deliveries import proofs as ledger_proofs
from pipeline.ledger.evidence import changes, recalls
from pipeline.ledger.evidence.recalls import Shown
from pipeline.model.article import CitedWork
from pipeline.model.reference import TAKEN_BACK, CitedReference, EditorialState
from pipeline.model.revision import EventType
from pipeline.model.site import Site
from pipeline.views.fields import ArticleId, ChannelId, Field, Pmid, RevisionNumber, Time
from pipeline.views.proofs import Proof, proof
from pipeline.views.verdicts import SourceSays, sources_of


@dataclass(frozen=True, slots=True)
class Period:
    """What was shown from one time to another: a revision, or nothing after a withdrawal."""

    revision: RevisionNumber
    event: EventType
    since: Time
    until: Annotated[Time | None, Field(description="Null: still.")]
    editorial: Annotated[
        tuple[EditorialState, ...] | None, Field(description="The marks shown on the paper. Null: it was not cited.")
    ]
    digest: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """A place at which the article lay, what it had, and whether the recall reached it."""

    place: Annotated[str, Field(description="Its key: the channel's id, while that is where it sends.")]
    channel: ChannelId
    location: str | None
    shown: tuple[Period, ...]
    corrected: Annotated[
        Time | None, Field(description="When a revision with the mark, or without the paper, arrived.")
    ]
    taken_back: Annotated[Time | None, Field(description="When the article was withdrawn there.")]
    proof: Proof | None
    reached: Annotated[bool, Field(description="Nothing there shows the paper unmarked any longer.")]
    error: str | None


@dataclass(frozen=True, slots=True)
class RecalledArticle:
    """An article that cites the paper, or did."""

    article: ArticleId
    title: str
    state: str
    site: tuple[Period, ...]
    corrected: Time | None
    taken_back: Time | None
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Certificate:
    """What became of a retraction: who said so and when, and what each place showed from when to when."""

    issuer: Annotated[str, Field(description="The site's address.")]
    issued: Time
    pmid: Pmid
    doi: str | None
    citation: str
    editorial: tuple[EditorialState, ...]
    noticed: Annotated[Time | None, Field(description="When this site first learnt it. Null: before it was cited.")]
    sources: tuple[SourceSays, ...]
    articles: tuple[RecalledArticle, ...]
    unreached: Annotated[
        tuple[str, ...], Field(description='As "article at place": where the paper may stand unmarked.')
    ]


@dataclass(frozen=True, slots=True)
class Recall:
    """A certificate, and the same as a JSON Web Signature if the site has a key."""

    certificate: Certificate
    jws: Annotated[str | None, Field(description="Compact; its key is at /.well-known/jwks.json. Null: no key is set.")]


@dataclass(frozen=True, slots=True)
class _Retraction:
    """A paper that was taken back, by what some source says or said, and the articles that cite it or did."""

    cited: CitedReference
    known: tuple[changes.RecordedChange, ...]
    articles: tuple[str, ...]

    @property
    def editorial(self) -> tuple[EditorialState, ...]:
        return self.cited.marks.editorial if self.cited.marks else ()


def is_recalled(transaction: Transaction, pmid: str) -> bool:
    """Return whether there is a certificate for the paper."""
    return _retraction(transaction, pmid) is not None


def certificate(transaction: Transaction, pmid: str, site: Site, *, now: dt.datetime) -> Certificate | None:
    """Return the certificate, or None if no source says that the paper was taken back, or no article ever cited it."""
    retraction = _retraction(transaction, pmid)
    if retraction is None:
        return None
    cited = retraction.cited
    known_places = {place.key: place for place in places.every(transaction)}
    found = [
        one for article_id in retraction.articles if (one := _article(transaction, article_id, pmid, known_places))
    ]
    (sources,) = sources_of(transaction, [cited])
    return Certificate(
        issuer=site.url,
        issued=now,
        pmid=pmid,
        doi=cited.reference.doi if cited.reference else None,
        citation=citation_text(cited),
        editorial=retraction.editorial,
        noticed=min((change.at for change in retraction.known), default=None),
        sources=sources,
        articles=tuple(found),
        unreached=tuple(
            f"{one.article} at {place.place}" for one in found for place in one.places if not place.reached
        ),
    )


def _retraction(transaction: Transaction, pmid: str) -> _Retraction | None:
    (cited,) = evidence.references_for(transaction, [CitedWork("pmid", pmid)])
    known = [change for change in changes.newest(transaction, limit=1000, pmid=pmid) if _recalls(change.gained)]
    citing = recalls.articles_citing(transaction, pmid)
    found = _Retraction(cited, tuple(known), tuple(citing))
    return found if citing and (known or _recalls(found.editorial)) else None


def _recalls(states: Sequence[EditorialState]) -> bool:
    return not TAKEN_BACK.isdisjoint(states)


def _article(
    transaction: Transaction, article_id: str, pmid: str, known: Mapping[str, places.Place]
) -> RecalledArticle | None:
    """Return what became of an article; None if nothing of it that cites the paper was ever shown."""
    state = articles.get(transaction, article_id)
    shown = recalls.on_site(transaction, article_id, pmid)
    if state is None or not any(one.states is not None for one in shown):
        return None
    rows = {row.channel: row for row in deliveries.of_article(transaction, article_id)}
    proved = {one.channel: proof(one) for one in ledger_proofs.of_article(transaction, article_id)}
    lay = recalls.at_places(transaction, article_id, shown)
    return RecalledArticle(
        article=article_id,
        title=state.title,
        state=state.state,
        site=_periods(shown),
        corrected=_corrected(shown),
        taken_back=_taken_back(shown),
        places=tuple(
            _place(key, lay.get(key, []), rows.get(key), proved.get(key), known) for key in sorted({*lay, *rows})
        ),
    )


def _place(
    key: str,
    had: Sequence[Shown],
    row: Delivery | None,
    proved: Proof | None,
    known: Mapping[str, places.Place],
) -> Place:
    place = known.get(key)
    return Place(
        place=key,
        channel=place.channel if place else key,
        location=place.location if place else None,
        shown=_periods(had),
        corrected=_corrected(had),
        taken_back=_taken_back(had),
        proof=proved,
        reached=_is_reached(had, row),
        error=row.error if row else None,
    )


def _is_reached(had: Sequence[Shown], row: Delivery | None) -> bool:
    """Return whether the place certainly shows the paper unmarked no longer."""
    if not had:
        return row is None or row.attempts == 0
    last = had[-1]
    return last.event == "withdrawn" or last.states is None or _recalls(last.states)


def _periods(shown: Sequence[Shown]) -> tuple[Period, ...]:
    until = [*(one.since for one in shown[1:]), None][: len(shown)]  # a place that never had the article has no period
    return tuple(
        Period(one.revision, one.event, one.since, end, one.states, one.digest)
        for one, end in zip(shown, until, strict=True)
    )


def _corrected(shown: Sequence[Shown]) -> dt.datetime | None:
    """Return when the paper was first shown marked, or no longer cited, after it had been shown unmarked."""
    unmarked = False
    for one in shown:
        if one.event == "withdrawn":
            continue
        if one.states is not None and not _recalls(one.states):
            unmarked = True
        elif unmarked:
            return one.since
    return None


def _taken_back(shown: Sequence[Shown]) -> dt.datetime | None:
    return next((one.since for one in reversed(shown) if one.event == "withdrawn"), None)


def signed(found: Certificate, signer: Callable[[bytes], str] | None) -> Recall:
    """Return the certificate with its signature, if there is a key. The signed bytes are its JSON."""
    return Recall(found, signer(msgspec.json.encode(found)) if signer else None)
