"""Compare what readers would see of an article now with what is published, format by format."""

from __future__ import annotations

import datetime as dt

from msgspec import structs

from pipeline.model.rendition import digest_of
from pipeline.model.revision import Revision
from pipeline.stages.context import Context
from pipeline.stages.render.decide import DIFFERENT, Comparison, Facts, candidate, only_evidence_is_new
from pipeline.stages.render.fingerprint import fingerprints


def compare(context: Context, facts: Facts, now: dt.datetime) -> Comparison:
    """Return in which formats the article looks as it is published, and whether only its rendering is new.

    The candidate is rendered under the published number and date, which alone are not worth a revision.
    """
    revision, before = candidate(facts, now), facts.rendered
    if before is None or not only_evidence_is_new(facts, revision):
        return DIFFERENT
    compared = [name for name in facts.stored if name in context.formats]
    if not compared:
        return DIFFERENT
    same_evidence = revision.references == before.references
    alike = structs.replace(revision, number=before.number, updated=before.updated)
    published = {name: facts.stored[name].digest for name in compared}
    digests = published if same_evidence and not facts.outdated else _digests(context, facts, alike)
    unchanged = frozenset(name for name in compared if digests[name] == published[name])
    return Comparison(
        unchanged=unchanged,
        complete=len(unchanged) == len(compared) and (same_evidence or _others_alike(context, facts, before, alike)),
        refreshed=facts.outdated
        and facts.state.rendered == facts.state.revision
        and (same_evidence or digests == _digests(context, facts, before)),
    )


def _others_alike(context: Context, facts: Facts, before: Revision, now: Revision) -> bool:
    """Return whether the evidence that is new shows in none of the formats that nobody has asked for yet."""
    others = [format for name, format in context.formats.items() if name not in facts.stored]
    return all(format.render(before, context.site) == format.render(now, context.site) for format in others)


def _digests(context: Context, facts: Facts, revision: Revision) -> dict[str, str]:
    """Return the digests in the formats in which the article is published. Bytes that are known are not made again."""
    now = fingerprints(context.formats, context.site)
    known = revision == facts.rendered
    found = {}
    for name, stored in facts.stored.items():
        if known and stored.fingerprint == now.get(name):
            found[name] = stored.digest
        elif name in context.formats:
            found[name] = digest_of(context.formats[name].render(revision, context.site))
    return found
