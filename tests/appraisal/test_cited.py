"""One citation, appraised: what is shown of it, and what was done to it."""

from __future__ import annotations

import datetime as dt
import json

from msgspec import structs

from pipeline.appraisal.cited import appraised
from pipeline.citations import citation_text
from pipeline.model.article import Article, CitedAs, CitedWork
from pipeline.model.reference import Author, CitedReference, PartialDate, Reference, SourceVerdict
from pipeline.model.revision import Revision
from pipeline.model.site import Site
from pipeline.renditions import formats

OTHER = Reference(
    pmid="993",
    title="Solubilization and some properties of brown fat esterase.",
    authors=(Author(last="Beneking", initials="M"),),
    journal_abbreviation="Biochem J",
    date=PartialDate(1976),
    volume="154",
    pages="171-80",
    editorial=("retracted",),
)
WORDS = "Smith J, Roe K. A trial of baclofen in children with spasticity. N Engl J Med. 2020;382(1):10-20. PMID: 993"
RIGHT = "Beneking M. Solubilization and some properties of brown fat esterase. Biochem J. 1976;154:171-80."
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
SITE = Site(title="Notes", url="https://notes.example.org", publisher="Example", disclaimer="Ask your doctor.")


def cited(words: str | None, record: Reference | None = OTHER) -> CitedReference:
    state = "resolved" if record else "unknown"
    return CitedReference(1, CitedWork("pmid", "993"), state, record, words)


def test_words_that_describe_another_paper_keep_its_record_and_its_marks_away() -> None:
    found = appraised(cited(WORDS), ())
    assert (found.state, found.identity, found.reference, found.unshown) == ("mismatch", "mismatch", None, None)
    assert set(found.differs) >= {"title", "author", "year"}
    assert citation_text(found) == WORDS


def test_no_format_shows_the_other_paper() -> None:
    found = appraised(cited(WORDS), ())
    article = Article(
        id="baclofen", title="Baclofen", answer="It helps.", references=(found.work,), cited_as=(CitedAs(WORDS),)
    )
    revision = Revision(article=article, number=1, published=NOON, updated=NOON, references=(found,))
    for format in formats().values():
        body = format.render(revision, SITE).decode()
        assert "Beneking" not in body, format.name
        assert "brown fat" not in body, format.name
        assert "pubmed.ncbi.nlm.nih.gov/993" not in json.dumps(body) or format.name == "json-feed", format.name
        assert "A trial of baclofen in children" in body, format.name


def test_a_wrong_detail_keeps_the_words_and_the_mark() -> None:
    found = appraised(cited(RIGHT.replace("1976", "1986")), ())
    assert (found.state, found.differs, found.reference) == ("mismatch", ("year",), None)
    assert found.marks is not None
    assert found.marks.editorial == ("retracted",)


def test_the_right_words_match_and_none_are_unverified() -> None:
    assert appraised(cited(RIGHT), ()).identity == "match"
    assert appraised(cited(None), ()).identity == "unverified"
    assert appraised(cited(None), ()).reference == OTHER


def test_what_a_list_says_of_a_paper_without_a_record_is_marked() -> None:
    verdict = SourceVerdict(source="retraction_watch", state="retracted", date="2026-03-02", notice_doi="10.1000/n")
    found = appraised(cited(None, None), (verdict,))
    assert found.marks is not None
    assert found.marks.editorial == ("retracted",)
    assert [notice.source for notice in found.marks.notices] == ["Retraction Watch, 2026-03-02"]


def test_a_state_that_nlm_has_too_adds_nothing() -> None:
    verdict = SourceVerdict(source="crossref", state="retracted")
    assert appraised(cited(None), (verdict,)).reference == OTHER
    clean = structs.replace(OTHER, editorial=())
    (notice,) = appraised(cited(None, clean), (verdict,)).marks.notices  # type: ignore[union-attr]
    assert notice.source == "Crossref; not yet by NLM"
