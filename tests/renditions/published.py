"""Every article that all judges run over: our own, and those that come in from files (examples, the seed page)."""

from __future__ import annotations

from pathlib import Path

import pytest
from articles import SAMPLE, STRANGE, UPDATED, revision_of
from msgspec.structs import replace

from pipeline.intake import read_article
from pipeline.model.article import CitedWork
from pipeline.model.reference import CitedReference
from pipeline.model.revision import Revision
from pipeline.references.pubmed.pubmed_xml import parse_pubmed
from standins.papers import invented, load_papers, paper_xml, record_set

FILES = Path(__file__).resolve().parents[2] / "examples" / "articles"
KNOWN = parse_pubmed(record_set([paper_xml(paper) for paper in load_papers()]))


def revision_from(file: Path) -> Revision:
    """Through the real intake. Every PMID that it cites is resolved, to a stand-in where no paper of ours has it."""
    article = read_article(file.read_bytes(), name=file.name)
    strangers = [w.value for w in article.references if w.scheme == "pmid" and w.value not in KNOWN]
    known = KNOWN | parse_pubmed(record_set([paper_xml(invented(pmid)) for pmid in strangers]))

    def cited(number: int, work: CitedWork) -> CitedReference:
        if work.scheme != "pmid":
            return CitedReference(number, work, "unknown")
        return CitedReference(number, work, "resolved", known[work.value])

    references = tuple(cited(number, work) for number, work in enumerate(article.references, 1))
    revision = revision_of(article, references)
    return replace(revision, updated=max(UPDATED, article.modified or UPDATED, article.published or UPDATED))


EXAMPLES = {file.stem: revision_from(file) for file in sorted(FILES.iterdir())}


def seed(data: Path) -> Revision:
    """A real page, saved as text."""
    (file,) = (data / "seed").glob("*.txt")
    return revision_from(file)


SAVED = Path(__file__).parents[1] / "intake" / "cases" / "saved-page.txt"

OURS = {"sample": SAMPLE, **STRANGE, **EXAMPLES, "saved-page": revision_from(SAVED)}
EVERY = [*OURS, "seed"]  # by name: for `@pytest.mark.parametrize("revision", EVERY, indirect=True)`


def named(name: str, request: pytest.FixtureRequest) -> Revision:
    """One of `EVERY`. Without the real data the test for the seed page is left out."""
    return seed(request.getfixturevalue("data")) if name == "seed" else OURS[name]
