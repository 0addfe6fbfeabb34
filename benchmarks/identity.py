"""How reliably a citation of the wrong paper is recognised, and how often a right one is called wrong.

    python -m benchmarks.identity [--data FOLDER] [--most N]

Every record is cited in several styles. The right citations are compared with their own record; the faulty ones have a
wrong PMID (that of the neighbouring record, one with two digits swapped, that of an erratum), author or year. The
records are those of ../shared/data/pubmed, if it exists beside the checkout: nothing is fetched. Their own notes on
each other ("Lancet. 2010 Feb 6;375(9713):445") are right citations that NLM wrote, not this module.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from lxml import etree
from msgspec import Struct, structs

from benchmarks.figures import table
from benchmarks.references import DATA, made_up, real
from pipeline.appraisal.identity import compare
from pipeline.citations import citation_text
from pipeline.model.article import CitedWork
from pipeline.model.reference import Author, CitedReference, PartialDate, Reference
from pipeline.references.pubmed.pubmed_xml import parse_pubmed

LEAST_FOUND, MOST_ALARMS = 0.95, 0.01


class Citation(Struct, frozen=True):
    """The words of a citation, and the record that its PMID leads to."""

    words: str
    record: Reference


class Rate(Struct, frozen=True):
    found: int  # called a mismatch
    of: int
    missed: tuple[Citation, ...] = ()  # or, of right citations, the false alarms

    @property
    def share(self) -> float:
        return self.found / self.of if self.of else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.identity", description="Recognising the wrong paper.")
    parser.add_argument("--data", type=Path, default=DATA, help="a folder of PubMed XML")
    parser.add_argument("--most", type=int, default=100_000, help="records to use")
    parser.add_argument("--show", type=int, default=0, help="print this many of the wrongly judged citations")
    arguments = parser.parse_args()
    rates = measured(arguments.data, arguments.most)
    print(table(("citations", "called a mismatch", "of", "share"), [_row(name, rate) for name, rate in rates.items()]))
    for name, rate in rates.items():
        for citation in rate.missed[: arguments.show]:
            print(f"\n{name}: {citation.words}\n    {citation.record.pmid}: {_ama(citation.record)}")
    if not passes(rates):
        sys.exit(f"fewer than {LEAST_FOUND:.0%} of the faults were told, or more than {MOST_ALARMS:.0%} false alarms")


def measured(folder: Path, most: int) -> dict[str, Rate]:
    documents = real(folder) or [made_up()]
    records = {pmid: one for document in documents for pmid, one in parse_pubmed(document).items()}
    chosen = {pmid: records[pmid] for pmid in sorted(records, key=int)[:most]}
    rates = {
        "right": _rate(right(chosen), expected=False),
        "right, as NLM noted": _rate(noted(documents, chosen), expected=False),
    }
    return rates | {f"wrong: {name}": _rate(fault(chosen), expected=True) for name, fault in FAULTS.items()}


def passes(rates: Mapping[str, Rate]) -> bool:
    return all(
        rate.share >= LEAST_FOUND if name.startswith("wrong") else rate.share <= MOST_ALARMS
        for name, rate in rates.items()
        if rate.of
    )


def _rate(citations: Iterator[Citation], *, expected: bool) -> Rate:
    counted: Counter[bool] = Counter()
    others = []
    for citation in citations:
        is_mismatch = compare(citation.words, citation.record).identity == "mismatch"
        counted[is_mismatch] += 1
        if is_mismatch != expected:
            others.append(citation)
    return Rate(counted[True], counted.total(), tuple(others))


def _row(name: str, rate: Rate) -> tuple[str, ...]:
    return name, f"{rate.found:,}", f"{rate.of:,}", f"{rate.share:.2%}"


# --- how a work is cited ------------------------------------------------------------------------------------------


def _ama(record: Reference) -> str:
    bare = structs.replace(record, doi=None, pmcid=None)
    return citation_text(CitedReference(1, CitedWork("pmid", record.pmid or ""), "resolved", bare)).replace(
        f"PMID: {record.pmid}", ""
    )


def _vancouver(record: Reference) -> str:
    bare = structs.replace(record, doi=None, pmcid=None)
    cited = CitedReference(1, CitedWork("pmid", record.pmid or ""), "resolved", bare)
    return f"1. {citation_text(cited, style='vancouver')}"


def _apa(record: Reference) -> str:
    people = [f"{one.last}, {'. '.join(one.initials or '')}." for one in record.authors[:20] if one.last]
    pages = (record.pages or "").replace("-", "–")
    place = f"{record.volume}({record.issue})" if record.issue else f"{record.volume or ''}"
    names = ", ".join(people)
    return f"{names} ({_year(record)}). {record.title} {record.journal or ''}, {place}, {pages}. PMID: {record.pmid}"


def _british(record: Reference) -> str:
    """As people type: no diacritics, British spelling, the first author alone, no issue."""
    first = record.authors[0] if record.authors else Author()
    name = first.collective or f"{first.initials or ''} {first.last or ''}".strip()
    title = record.title.replace("ization", "isation").replace("tumor", "tumour").replace("hem", "haem").rstrip(".")
    plain = f"{name} et al. '{title}', {record.journal or ''} {record.volume or ''} ({_year(record)})"
    return plain.translate(str.maketrans("éèüöäñçáíó", "eeuoancaio"))


def _short(record: Reference) -> str:
    """The authors' names, the title up to its colon, and the year; no journal."""
    names = ", ".join(one.collective or one.last or "" for one in record.authors[:3])
    return f"{names}. {record.title.split(':')[0]}. {_year(record)}."


def _year(record: Reference) -> str:
    date = record.date or record.electronic_date
    return str((date and (date.year or (date.text or "")[:4])) or "n.d.")


STYLES: Sequence[Callable[[Reference], str]] = (_ama, _vancouver, _apa, _british, _short)


def right(records: Mapping[str, Reference]) -> Iterator[Citation]:
    for record in records.values():
        yield from (Citation(style(record), record) for style in STYLES)


def noted(documents: Sequence[bytes], records: Mapping[str, Reference]) -> Iterator[Citation]:
    """Yield what the records' own notes say of other records in the sample."""
    for document in documents:
        for note in etree.fromstring(document, etree.XMLParser(resolve_entities=False)).iter("CommentsCorrections"):
            words, pmid = note.findtext("RefSource"), note.findtext("PMID")
            if words and pmid and pmid in records:
                yield Citation(words, records[pmid])


# --- faults -------------------------------------------------------------------------------------------------------


def neighbours_pmid(records: Mapping[str, Reference]) -> Iterator[Citation]:
    """Yield citations with the PMID of the next record."""
    ordered = list(records.values())
    for record, neighbour in itertools.pairwise(ordered):
        if record.title.lower() != neighbour.title.lower():
            yield from (Citation(style(record), neighbour) for style in STYLES)


def swapped_digits(records: Mapping[str, Reference]) -> Iterator[Citation]:
    """Yield citations whose PMID has two digits swapped, where that is another record of the sample."""
    for pmid, record in records.items():
        swapped = {_swapped(pmid, a, b) for a in range(len(pmid)) for b in range(a)} - {pmid}
        for other in sorted(swapped & records.keys()):
            if records[other].title.lower() != record.title.lower():
                yield from (Citation(style(record), records[other]) for style in STYLES)


def erratums_pmid(records: Mapping[str, Reference]) -> Iterator[Citation]:
    """Yield citations with the PMID of the paper's erratum, which has its title and authors, in a later issue."""
    for record in records.values():
        volume = str(int(record.volume) + 1) if record.volume and record.volume.isdigit() else "99"
        year = (record.date.year if record.date and record.date.year else 2000) + 1
        erratum = structs.replace(
            record,
            title=f"Correction to: {record.title}",
            volume=volume,
            pages="1123",
            date=PartialDate(year),
            electronic_date=None,
            doi=None,
            types=("Published Erratum",),
        )
        yield from (Citation(style(record), erratum) for style in STYLES)


def wrong_author(records: Mapping[str, Reference]) -> Iterator[Citation]:
    """Yield citations that name another record's first author first."""
    ordered = [record for record in records.values() if record.authors and record.authors[0].last]
    chance = random.Random(1)
    for record in ordered:
        stranger = chance.choice(ordered).authors[0]
        if record.title and not _related(stranger, record):
            faulty = structs.replace(record, authors=(stranger, *record.authors[1:]))
            yield from (Citation(style(faulty), record) for style in STYLES)


def wrong_year(records: Mapping[str, Reference]) -> Iterator[Citation]:
    chance = random.Random(2)
    for record in records.values():
        years = {date.year for date in (record.date, record.electronic_date) if date and date.year}
        if not years:
            continue
        year = chance.choice([one for one in range(min(years) - 10, max(years) + 11) if one not in years])
        faulty = structs.replace(record, date=PartialDate(year), electronic_date=None)
        yield from (Citation(style(faulty), record) for style in STYLES)


FAULTS: Mapping[str, Callable[[Mapping[str, Reference]], Iterator[Citation]]] = {
    "the neighbour's PMID": neighbours_pmid,
    "two digits swapped": swapped_digits,
    "the erratum's PMID": erratums_pmid,
    "another author": wrong_author,
    "another year": wrong_year,
}


def _swapped(pmid: str, a: int, b: int) -> str:
    digits = list(pmid)
    digits[a], digits[b] = digits[b], digits[a]
    return "".join(digits)


def _related(stranger: Author, record: Reference) -> bool:
    return (stranger.last or "").lower() in {(one.last or "").lower() for one in record.authors}


if __name__ == "__main__":
    main()
