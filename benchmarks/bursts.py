"""The requests that a burst of articles makes to PubMed, and the outcome when PubMed misbehaves.

    python -m benchmarks.bursts [burst] [events] [misbehaviour] [--articles N] [--processes N]

`burst`: the command publishes 1,000 articles at once, with 5 references each and 3,000 unique ones in total. There are
4 pipeline workers, and a stand-in that enforces 3 requests per second. `events`: the same as one batch of CloudEvents.
`misbehaviour`: 500 articles, while the stand-in fails in each of its ways, in turn and at random.

It fails if there are too many requests or one is refused, if the requests take more than 1.3 times as long as the rate
requires, or if a reference ends up neither resolved with its own record nor truly unknown.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests
import sqlalchemy as sa

from benchmarks.figures import table
from benchmarks.processes import end_on_signals, until
from benchmarks.system import Running, configured, running
from pipeline.ledger import Ledger, evidence
from pipeline.ledger.tables import identifiers, references
from pipeline.model.article import CitedWork
from pipeline.model.reference import Reference
from standins.eutils import EFETCH, EutilsStandin
from standins.misbehaviour import MISBEHAVIOURS
from standins.papers import Paper, invented
from standins.receiver import Receiver

RATE, BATCH, SLACK = 3, 200, 1.3
MOST_MORE = 4 / 3  # 20 requests where 15 would suffice
UNKNOWN = 90_000_000  # PMIDs from here on do not exist


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bursts", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", nargs="*", default=["burst", "events", "misbehaviour"])
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=4, help="pipeline workers")
    given = parser.parse_args()
    end_on_signals()
    if "burst" in given.what:
        _burst(given.articles, given.processes, by_events=False)
    if "events" in given.what:
        _burst(given.articles, given.processes, by_events=True)
    if "misbehaviour" in given.what:
        _misbehaviour(given.articles // 2, given.processes)


# --- a burst ------------------------------------------------------------------------------------------------------


def _burst(articles: int, processes: int, *, by_events: bool) -> None:
    unique = articles * 3
    cited = [[str(10_000_000 + (5 * number + n) % unique) for n in range(5)] for number in range(articles)]
    with EutilsStandin([], invent=True, rate=RATE) as ncbi, _system(ncbi, processes) as system:
        began = time.monotonic()
        if by_events:
            _post(system, cited)
        else:
            _publish(system, cited)
        accepted = time.monotonic() - began
        until(lambda: _states(system) == {"resolved": unique}, within=120, what="every reference resolved")
        resolved = time.monotonic() - began
        asked = [one for one in ncbi.requests if one.path == EFETCH]
    least = -(-unique // BATCH)
    took, needed = asked[-1].at - asked[0].at, len(asked) / RATE
    rows = [
        ("articles, unique references", f"{articles:,}, {unique:,}"),
        ("requests (least, most allowed)", f"{len(asked)} ({least}, {int(least * MOST_MORE)})"),
        ("refused with 429", str(sum(one.status == 429 for one in asked))),
        ("first to last request, s", f"{took:.2f}"),
        ("times what they need at the rate", f"{took / needed:.2f}"),
        ("accepted after, s", f"{accepted:.2f}"),
        ("all resolved after, s", f"{resolved:.2f}"),
        ("requests at, s", " ".join(f"{one.at - began:.2f}:{len(one.ids)}" for one in asked)),
    ]
    print(f"\n{'POST /v1/events' if by_events else 'citewire publish'}, {processes} pipeline workers\n")
    print(table(("", "measured"), rows))
    _expect(all(one.status == 200 for one in asked), "a request was refused")
    _expect(len(asked) <= least * MOST_MORE, "too many requests")
    _expect(took <= SLACK * needed, "the requests took too long")


def _publish(system: Running, cited: Sequence[Sequence[str]]) -> None:
    folder = system.data.parent / "articles"
    folder.mkdir()
    for number, pmids in enumerate(cited):
        (folder / f"{number:05}.md").write_text(_markdown(f"article-{number}", pmids))
    system.citewire("publish", folder, "--json")


def _post(system: Running, cited: Sequence[Sequence[str]]) -> None:
    token = system.citewire("token", "create", "--name", "burst", "--scope", "publish").split()[-1]
    events = [
        {
            "specversion": "1.0",
            "id": str(number),
            "source": "urn:benchmark",
            "type": "org.citewire.article.published",
            "datacontenttype": "text/markdown",
            "data": _markdown(f"article-{number}", pmids),
        }
        for number, pmids in enumerate(cited)
    ]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/cloudevents-batch+json"}
    answer = requests.post(f"{system.web}/v1/events", data=json.dumps(events), headers=headers, timeout=120)
    _expect(answer.status_code == 202, f"the batch was answered {answer.status_code}: {answer.text[:200]}")


# --- misbehaviour -------------------------------------------------------------------------------------------------


def _misbehaviour(articles: int, processes: int) -> None:
    """Publish some articles per failure, which lasts for two requests, then with failures in turn and at random."""
    ways: list[tuple[str, int | None]] = [(name, 2) for name in MISBEHAVIOURS]
    ways += [("turns", None), ("random", None), ("random", None)]
    share = -(-articles // len(ways))
    rows, count = [], 0
    with EutilsStandin([], rate=RATE) as ncbi, _system(ncbi, processes) as system:
        for part, (name, times) in enumerate(ways):
            cited = [_cited(number) for number in range(count, min(count + share, articles))]
            ncbi.add(*(_paper(number) for number in {one for works in cited for one in works if one < UNKNOWN}))
            count, began, asked = count + len(cited), time.monotonic(), len(ncbi.requests)
            ncbi.misbehave(name, times=times, seed=part)
            _publish_part(system, part, cited)
            until(lambda: not _unanswered(system), within=300, what=f"every reference settled after {name!r}")
            requests_made = len(ncbi.requests) - asked
            ncbi.misbehave()
            rows.append((name, str(len(cited)), str(requests_made), f"{time.monotonic() - began:.1f}"))
        _check(system)
        refused = sum(one.status == 429 for one in ncbi.requests)
        states = _states(system)
    print(f"\nMisbehaviour, {articles} articles, {processes} pipeline workers\n")
    print(table(("way", "articles", "requests", "seconds"), rows))
    print(f"\nreferences: {states}; requests answered 429: {refused}")


def _cited(number: int) -> list[int]:
    """Return five references: four papers shared with neighbouring articles, and one that does not exist."""
    return [10_000_000 + number * 3 + n for n in range(4)] + [UNKNOWN + number // 2]


def _paper(number: int) -> Paper:
    return invented(str(number))


def _publish_part(system: Running, part: int, cited: Sequence[Sequence[int]]) -> None:
    folder = system.data.parent / f"part-{part}"
    folder.mkdir()
    for number, works in enumerate(cited):
        (folder / f"{number:05}.md").write_text(_markdown(f"part-{part}-{number}", list(map(str, works))))
    system.citewire("publish", folder, "--json")


def _unanswered(system: Running) -> int:
    return _states(system).get("pending", 0)


def _check(system: Running) -> None:
    """Check that every reference has its own record or is truly unknown."""
    with _ledger(system) as ledger, ledger.read() as transaction:
        pmids = list(transaction.scalars(sa.select(references.c.pmid)))
        shown = evidence.references_for(transaction, [CitedWork("pmid", pmid) for pmid in pmids])
    for one in shown:
        expected = "unknown" if int(one.work.value) >= UNKNOWN else "resolved"
        _expect(one.state == expected, f"{one.work.value} ended {one.state}")
        if one.reference is not None:
            _expect(_is_of(one.reference, one.work.value), f"{one.work.value} has another paper's record")


def _is_of(reference: Reference, pmid: str) -> bool:
    return (reference.pmid, reference.title) == (pmid, f"Stand-in record for PMID {pmid}.")


# --- the system ---------------------------------------------------------------------------------------------------


@contextmanager
def _system(ncbi: EutilsStandin, processes: int) -> Iterator[Running]:
    more = f"\n[workers]\npipeline_processes = {processes}\n"
    with tempfile.TemporaryDirectory(prefix="citewire-bursts-") as folder, Receiver() as partner:
        environment = configured(Path(folder), pubmed=ncbi.url, partner=partner.url, more=more)
        environment["CITEWIRE_IDCONV_URL"] = ncbi.idconv_url
        with running(Path(folder), environment) as system:
            yield system


@contextmanager
def _ledger(system: Running) -> Iterator[Ledger]:
    ledger = Ledger(f"sqlite:///{system.data / 'ledger.sqlite'}")
    yield ledger
    ledger.close()


def _states(system: Running) -> dict[str, int]:
    with _ledger(system) as ledger, ledger.read() as transaction:
        states = evidence.counts(transaction)
        open_works = sa.select(sa.func.count()).where(identifiers.c.state == "pending")
        waiting = transaction.scalar(open_works) or 0
    return states | ({"pending": states.get("pending", 0) + waiting} if waiting else {})


def _markdown(name: str, works: Sequence[str]) -> str:
    return (
        f"---\nid: {name}\ntitle: About {name}\nsummary: Rest.\npublished: 2026-03-01\n"
        f"references: [{', '.join(works)}]\n---\n\n## What to do\n\nRest and stretch [1].\n"
    )


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SystemExit(f"failed: {otherwise}")


if __name__ == "__main__":
    main()
