"""AMA 11 against citations that the JAMA Network and its libraries publish as examples of the style."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pipeline.citations import citation_html, citation_text
from pipeline.model.article import CitedWork
from pipeline.model.reference import Author, CitedReference, PartialDate, Reference


def people(names: str) -> tuple[Author, ...]:
    return tuple(Author(last=name.rsplit(" ", 1)[0], initials=name.rsplit(" ", 1)[1]) for name in names.split(", "))


def cited(reference: Reference) -> CitedReference:
    return CitedReference(1, CitedWork("pmid", reference.pmid), "resolved", reference)


def cite(reference: Reference) -> str:
    return citation_text(cited(reference))


def paper(title: str, journal: str, year: int, **facts: object) -> Reference:
    date = PartialDate(year=year)
    return replace(Reference(pmid="1", title=title, journal_abbreviation=journal, date=date), **facts)


STANDARD = paper(
    "Athletic trainers' concussion-assessment and concussion-management practices: an update.",
    "J Athl Train",
    2020,
    authors=people("Lempke LB, Schmidt JD, Lynall RC"),
    volume="55",
    issue="1",
    pages="17-26",
    doi="10.4085/1062-6050-322-18",
)

SAMPLES = {
    "standard article": (
        STANDARD,
        (
            "Lempke LB, Schmidt JD, Lynall RC. Athletic trainers' concussion-assessment and "
            "concussion-management practices: "
            "an update. J Athl Train. 2020;55(1):17-26. doi:10.4085/1062-6050-322-18"
        ),
    ),
    "group author, pages written out": (
        paper(
            "Recommended adult immunization schedule-United States, 2013.",
            "J Midwifery Womens Health",
            2013,
            authors=(Author(collective="Centers for Disease Control and Prevention (CDC)"),),
            volume="58",
            issue="2",
            pages="215-20",
            doi="10.1111/jmwh.12046",
        ),
        (
            "Centers for Disease Control and Prevention (CDC). Recommended adult immunization "
            "schedule-United States, 2013. "
            "J Midwifery Womens Health. 2013;58(2):215-220. doi:10.1111/jmwh.12046"
        ),
    ),
    "more than six authors": (
        paper(
            "Joint compressive forces among adults with knee osteoarthritis: the START randomized clinical trial.",
            "JAMA",
            2021,
            authors=people("Messier SP, Mihalko SL, Beavers D, Nicklas B, DeVita P, Carr J, Hunter D, Lyles M"),
            volume="325",
            issue="7",
            pages="646-657",
            doi="10.1001/jama.2021.0411",
        ),
        (
            "Messier SP, Mihalko SL, Beavers D, et al. Joint compressive forces among adults with "
            "knee osteoarthritis: the "
            "START randomized clinical trial. JAMA. 2021;325(7):646-657. doi:10.1001/jama.2021.0411"
        ),
    ),
    "six authors": (
        paper(
            "Oral, capsulized, frozen fecal microbiota transplantation for relapsing Clostridium difficile infection.",
            "JAMA",
            2014,
            authors=people("Youngster I, Russell GH, Pindar C, Ziv-Baran T, Sauk J, Hohmann EL"),
            volume="312",
            issue="17",
            pages="1772-8",
            doi="10.1001/jama.2014.13875",
        ),
        (
            "Youngster I, Russell GH, Pindar C, Ziv-Baran T, Sauk J, Hohmann EL. Oral, capsulized, "
            "frozen fecal microbiota "
            "transplantation for relapsing Clostridium difficile infection. JAMA. 2014;312(17):1772-1778. "
            "doi:10.1001/jama.2014.13875"
        ),
    ),
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_published_example_is_written_as_published_with_its_pmid_after_it(sample: str) -> None:
    reference, published = SAMPLES[sample]
    assert cite(reference) == f"{published} PMID: 1"


def test_html_links_doi_pubmed_and_pmc_and_puts_the_journal_in_italics() -> None:
    assert citation_html(cited(replace(STANDARD, pmcid="PMC77", pmid="31869295"))) == (
        "Lempke LB, Schmidt JD, Lynall RC. Athletic trainers' concussion-assessment and "
        "concussion-management practices: "
        "an update. <i>J Athl Train</i>. 2020;55(1):17-26. "
        'doi:<a href="https://doi.org/10.4085/1062-6050-322-18">10.4085/1062-6050-322-18</a> '
        'PMID: <a href="https://pubmed.ncbi.nlm.nih.gov/31869295/">31869295</a> '
        'PMCID: <a href="https://pmc.ncbi.nlm.nih.gov/articles/PMC77/">PMC77</a>'
    )


def test_a_translated_title_is_followed_by_its_language() -> None:
    reference = paper("Anxiety among students.", "J", 2002, translated=True, languages=("nor",), volume="1")
    assert cite(reference) == "Anxiety among students [in Norwegian]. J. 2002;1. PMID: 1"


def test_a_title_that_pubmed_cannot_translate_is_cited_in_its_own_language() -> None:
    reference = paper("Not Available.", "J", 2002, translated=True, vernacular_title="Le titre", languages=("fre",))
    assert cite(reference) == "Le titre [in French]. J. Published online 2002. PMID: 1"


def test_a_question_needs_no_full_stop() -> None:
    assert cite(paper("Is it safe?", "J", 2002, volume="1")) == "Is it safe? J. 2002;1. PMID: 1"


def test_groups_follow_the_people_even_when_those_are_cut() -> None:
    authors = (*people("A A, B B, C C, D D, E E, F F, G G"), Author(collective="The X Group"))
    assert cite(paper("T.", "J", 2002, authors=authors, volume="1")).startswith(
        "A A, B B, C C, et al; The X Group. T. "
    )


def test_a_group_that_comes_first_stays_first() -> None:
    authors = (Author(collective="The X Group"), *people("A A, B B"))
    assert cite(paper("T.", "J", 2002, authors=authors, volume="1")).startswith("The X Group; A A, B B. T. ")


def test_a_paper_that_is_in_english_too_needs_no_language() -> None:
    assert cite(paper("T.", "J", 2002, languages=("eng", "nor"), volume="1")) == "T. J. 2002;1. PMID: 1"


def test_an_incomplete_author_list_says_et_al() -> None:
    reference = paper("T.", "J", 2002, authors=people("A A"), authors_complete=False, volume="1")
    assert cite(reference).startswith("A A, et al. T.")


def test_suffixes_forenames_and_single_names_are_written_as_names() -> None:
    authors = (
        Author(last="Smith", fore="Sidney C", suffix="Jr"),
        Author(last="Aristotle"),
        Author(last="Sartre", fore="Jean-Paul"),
        Author(last="Dot", initials="A. B."),
    )
    assert cite(paper("T.", "J", 2002, authors=authors)).startswith("Smith SC Jr, Aristotle, Sartre JP, Dot AB. T.")


def test_an_article_without_volume_or_pages_was_published_online() -> None:
    reference = paper("T.", "J Neurosci", 2017, electronic_date=PartialDate(year=2017, month=7, day=5), doi="10.1/x")
    assert cite(reference) == "T. J Neurosci. Published online July 5, 2017. doi:10.1/x PMID: 1"


def test_a_preprint_says_when_it_was_posted() -> None:
    reference = paper("T.", "bioRxiv", 2015, date=PartialDate(year=2015, month=10, day=29), editorial=("preprint",))
    assert cite(reference) == "T. bioRxiv. Preprint posted online October 29, 2015. PMID: 1"


def test_supplements_stand_in_parentheses() -> None:
    assert "2002;42(suppl 2):S93-S99." in cite(paper("T.", "J", 2002, volume="42 Suppl 2", pages="S93-9"))
    assert "2002;58(12 suppl 7):S6-S12." in cite(paper("T.", "J", 2002, volume="58", issue="12 Suppl 7", pages="S6-12"))


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("e92312", "e92312"),
        ("169-174.1", "169-174.1"),
        ("1825-34, 1839-40", "1825-1834, 1839-1840"),
        ("1475-6; author reply 1475-6", "1475-1476; author reply 1475-1476"),
        ("S1-29; quiz S30", "S1-S29; quiz S30"),
        ("1S-20S", "1S-20S"),
        ("e247-346", "e247-e346"),
        ("iii-v", "iii-v"),
        ("997-1003", "997-1003"),
        ("[34457 words; 185 paragraphs]", "[34457 words; 185 paragraphs]"),
    ],
)
def test_pages_are_written_out(given: str, written: str) -> None:
    assert cite(paper("T.", "J", 2002, volume="1", pages=given)) == f"T. J. 2002;1:{written}. PMID: 1"


def test_books_and_chapters() -> None:
    book = Reference(
        pmid="1", title="Care at the Close of Life", book_title="Care at the Close of Life", date=PartialDate(year=2011)
    )
    assert citation_html(cited(book)).startswith("<i>Care at the Close of Life</i>. 2011. PMID: ")
    chapter = replace(book, title="Delirium", publisher="McGraw-Hill", authors=people("Young J"))
    assert cite(chapter) == "Young J. Delirium. In: Care at the Close of Life. McGraw-Hill; 2011. PMID: 1"


def test_a_bare_record_still_gives_a_citation() -> None:
    assert cite(Reference(pmid="12", title="")) == "PMID: 12"
    assert cite(Reference(pmid="12", title="T")) == "T. PMID: 12"
