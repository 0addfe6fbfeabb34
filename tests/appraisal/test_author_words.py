"""Whether an author's words describe the record that their PMID leads to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from benchmarks import identity as benchmark
from pipeline.appraisal.identity import compare
from pipeline.appraisal.identity.fold import folded, is_latin
from pipeline.model.reference import Author, PartialDate, Reference

TRIAL = Reference(
    pmid="34187661",
    title="Intrathecal baclofen for spasticity in children: a randomised trial.",
    authors=(Author(last="Müller", fore="Jörg", initials="J"), Author(last="Roe", fore="Karl", initials="K")),
    journal="The New England journal of medicine",
    journal_abbreviation="N Engl J Med",
    date=PartialDate(2020, 1, 2),
    volume="382",
    issue="1",
    pages="10-20",
    doi="10.1056/nejmoa2034577",
)
PLACE = "N Engl J Med. 2020;382(1):10-20."


@pytest.mark.parametrize(
    "words",
    [
        f"Müller J, Roe K. Intrathecal baclofen for spasticity in children: a randomised trial. {PLACE}",
        f"Muller J, Roe K. Intrathecal baclofen for spasticity in children. {PLACE} PMID: 34187661",
        "Müller, J., & Roe, K. (2020). Intrathecal Baclofen for Spasticity in Children: A Randomized Trial. NEJM,"
        " 382(1), 10–20. https://doi.org/10.1056/NEJMoa2034577",
        "J. Müller and K. Roe, “Intrathecal baclofen for spasticity in children,” New England Journal of Medicine, vol."
        " 382, no. 1, pp. 10–20, Jan. 2020.",
        "Müller et al. 2020",
        PLACE,
        "Intrathecal baclofen for spasticity in children [Internet]. 2020 [cited 2024 Mar 3]. Available from: x.org",
        "doi:10.1056/NEJMoa2034577",
    ],
)
def test_the_same_work_in_any_style_matches(words: str) -> None:
    assert compare(words, TRIAL).identity == "match"


@pytest.mark.parametrize(
    ("words", "differs"),
    [
        (f"Smith J. Statins after stroke in older adults: a cohort. {PLACE}", ("title", "author")),
        (f"Smith J, Roe K. Intrathecal baclofen for spasticity in children. {PLACE}", ("author",)),
        ("Müller J. Intrathecal baclofen for spasticity in children. N Engl J Med. 2017;382(1):10-20.", ("year",)),
        ("Müller J. Intrathecal baclofen for spasticity in children. Lancet. 2020;4(7):99-101.",
         ("journal", "volume", "page")),
        ("Müller J. Intrathecal baclofen. 2020. doi: 10.1000/another.paper", ("doi",)),
    ],
)  # fmt: skip
def test_what_differs_is_named(words: str, differs: tuple[str, ...]) -> None:
    found = compare(words, TRIAL)
    assert found.identity == "mismatch"
    assert found.differs == differs


@pytest.mark.parametrize(
    "address",
    [
        "https://www.nejm.org/doi/full/10.1056/NEJMoa2034577?query=featured_home",
        "https://www.nejm.org/doi/10.1056/NEJMoa2034577/full",
        "https://www.nejm.org/doi/pdf/10.1056/NEJMoa2034577.pdf#page=2",
        "https://doi.org/10.1056%2FNEJMoa2034577",
    ],
)
def test_the_address_of_a_publishers_page_names_the_work(address: str) -> None:
    found = compare(f"Müller J. Intrathecal baclofen for spasticity in children. {PLACE} {address}", TRIAL)
    assert "doi" in found.agrees
    assert found.identity == "match"


def test_a_doi_with_angle_brackets_names_the_work() -> None:
    own = "10.1002/(sici)1097-0258(19980815/30)17:15/16<1661::aid-sim968>3.0.co;2-2"
    assert compare(f"Müller J. doi:{own.upper()}.", structs.replace(TRIAL, doi=own)).identity == "match"


@pytest.mark.parametrize("words", [None, "", "  ", "PMID: 34187661", "See the trial", "ここで読む"])
def test_without_words_about_the_work_nothing_is_verified(words: str | None) -> None:
    assert compare(words, TRIAL).identity == "unverified"


def test_the_neighbours_pmid_is_told(data: Path) -> None:
    words = (data / "cases/references/neighbours-pmid.md").read_text().split("## References")[1]
    digitoxin = Reference(
        pmid="993",
        title="Solubilization and some properties of an enzyme of brown fat.",
        authors=(Author(last="Beneking", initials="M"),),
        journal_abbreviation="Biochem J",
        date=PartialDate(1976),
        volume="154",
        pages="171-80",
    )
    assert set(compare(words, digitoxin).differs) >= {"title", "author", "year"}


def test_a_notice_in_place_of_the_paper_is_told() -> None:
    erratum = structs.replace(TRIAL, types=("Published Erratum",), date=None, volume=None, pages=None)
    words = "Müller J, Roe K. Intrathecal baclofen for spasticity in children. N Engl J Med."
    assert compare(words, erratum).differs == ("title",)
    assert compare(f"Correction to: {words}", erratum).identity == "match"
    of_crossref = structs.replace(erratum, pmid=None, title=f"Correction to: {TRIAL.title}", types=("journal-article",))
    assert compare(words, of_crossref).differs == ("title",)
    assert compare(f"Correction to: {words}", of_crossref).identity == "match"


def test_a_wrong_detail_leaves_the_work_recognised_and_another_title_does_not() -> None:
    year = compare("Müller J. Intrathecal baclofen for spasticity in children. N Engl J Med. 2017", TRIAL)
    assert (year.identity, year.same_work) == ("mismatch", True)
    assert not compare(f"Smith J. Statins after stroke in older adults: a cohort. {PLACE}", TRIAL).same_work


def test_words_in_another_script_are_compared_by_what_they_share() -> None:
    assert compare("山田太郎. 小児痙縮に対するバクロフェン髄腔内投与. 2020;382(1):10-20.", TRIAL).identity == "match"


@given(st.text(max_size=300) | st.from_regex(r"[A-Za-z .,;:()0-9-]{0,300}", fullmatch=True))
def test_any_words_get_an_answer(words: str) -> None:
    found = compare(words, TRIAL)
    assert not set(found.agrees) & set(found.differs)


@given(st.text(max_size=60))
def test_ascii_text_is_folded_as_any_other_is(text: str) -> None:
    plain = text.encode("ascii", "ignore").decode()
    assert folded(plain) + "e" == folded(plain + "é")
    assert is_latin(plain) == (any(one.isalpha() for one in plain))


def test_the_benchmark_passes_on_a_part_of_the_sample(data: Path) -> None:
    rates = benchmark.measured(data / "pubmed", most=150)
    assert benchmark.passes(rates), {name: rate.share for name, rate in rates.items()}
    assert all(rate.of for name, rate in rates.items() if "swapped" not in name and "noted" not in name)
