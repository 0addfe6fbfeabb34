"""Vancouver against the ICMJE's published samples (NLM, "Samples of Formatted References")."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pipeline.citations import citation_text
from pipeline.model.article import CitedWork
from pipeline.model.reference import Author, CitedReference, PartialDate, Reference


def people(names: str) -> tuple[Author, ...]:
    return tuple(Author(last=name.rsplit(" ", 1)[0], initials=name.rsplit(" ", 1)[1]) for name in names.split(", "))


def cite(reference: Reference) -> str:
    return citation_text(CitedReference(1, CitedWork("pmid", "1"), "resolved", reference), style="vancouver")


def paper(title: str, journal: str, year: int, **facts: object) -> Reference:
    date = PartialDate(year=year)
    return replace(Reference(pmid="1", title=title, journal_abbreviation=journal, date=date), **facts)


SAMPLES = {
    "standard article": (
        paper(
            "Solid-organ transplantation in HIV-infected patients.",
            "N Engl J Med",
            2002,
            authors=people("Halpern SD, Ubel PA, Caplan AL"),
            date=PartialDate(year=2002, month=7, day=25),
            volume="347",
            issue="4",
            pages="284-7",
        ),
        (
            "Halpern SD, Ubel PA, Caplan AL. Solid-organ transplantation in HIV-infected patients. "
            "N Engl J Med. 2002 Jul 25;347(4):284-7."
        ),
    ),
    "more than six authors": (
        paper(
            "Regulation of interstitial excitatory amino acid concentrations after cortical contusion injury.",
            "Brain Res",
            2002,
            authors=people("Rose ME, Huerbin MB, Melick J, Marion DW, Palmer AM, Schiding JK, Kochanek PM, Graham SH"),
            volume="935",
            issue="1-2",
            pages="40-6",
        ),
        (
            "Rose ME, Huerbin MB, Melick J, Marion DW, Palmer AM, Schiding JK, et al. Regulation of "
            "interstitial excitatory "
            "amino acid concentrations after cortical contusion injury. Brain Res. 2002;935(1-2):40-6."
        ),
    ),
    "organisation as author": (
        paper(
            "Hypertension, insulin, and proinsulin in participants with impaired glucose tolerance.",
            "Hypertension",
            2002,
            authors=(Author(collective="Diabetes Prevention Program Research Group"),),
            volume="40",
            issue="5",
            pages="679-86",
        ),
        (
            "Diabetes Prevention Program Research Group. Hypertension, insulin, and proinsulin in "
            "participants with impaired "
            "glucose tolerance. Hypertension. 2002;40(5):679-86."
        ),
    ),
    "people and an organisation": (
        paper(
            "Sexual dysfunction in 1,274 European men suffering from lower urinary tract symptoms.",
            "J Urol",
            2003,
            authors=(
                *people("Vallancien G, Emberton M, Harving N, van Moorselaar RJ"),
                Author(collective="Alf-One Study Group"),
            ),
            volume="169",
            issue="6",
            pages="2257-61",
        ),
        (
            "Vallancien G, Emberton M, Harving N, van Moorselaar RJ; Alf-One Study Group. Sexual "
            "dysfunction in 1,274 European "
            "men suffering from lower urinary tract symptoms. J Urol. 2003;169(6):2257-61."
        ),
    ),
    "no author": (
        paper(
            "21st century heart solution may have a sting in the tail.",
            "BMJ",
            2002,
            volume="325",
            issue="7357",
            pages="184",
        ),
        "21st century heart solution may have a sting in the tail. BMJ. 2002;325(7357):184.",
    ),
    "not in English, translated by NLM": (
        paper(
            "Disease anxiety among medical students and law students.",
            "Tidsskr Nor Laegeforen",
            2002,
            authors=people("Ellingsen AE, Wilhelmsen I"),
            translated=True,
            languages=("nor",),
            volume="122",
            issue="8",
            pages="785-7",
        ),
        (
            "Ellingsen AE, Wilhelmsen I. [Disease anxiety among medical students and law students]. "
            "Tidsskr Nor Laegeforen. 2002;122(8):785-7. Norwegian."
        ),
    ),
    "volume with supplement": (
        paper(
            "Tolerability and safety of frovatriptan with short- and long-term use for treatment of migraine and in "
            "comparison with sumatriptan.",
            "Headache",
            2002,
            authors=people("Geraud G, Spierings EL, Keywood C"),
            volume="42 Suppl 2",
            pages="S93-9",
        ),
        (
            "Geraud G, Spierings EL, Keywood C. Tolerability and safety of frovatriptan with short- "
            "and long-term use for "
            "treatment of migraine and in comparison with sumatriptan. Headache. 2002;42 Suppl 2:S93-9."
        ),
    ),
    "issue with supplement": (
        paper(
            "Integrating clinical trial data into clinical practice.",
            "Neurology",
            2002,
            authors=people("Glauser TA"),
            volume="58",
            issue="12 Suppl 7",
            pages="S6-S12",
        ),
        "Glauser TA. Integrating clinical trial data into clinical practice. Neurology. 2002;58(12 Suppl 7):S6-12.",
    ),
    "issue without volume": (
        paper(
            "Intraoperative frozen section analysis in revision total joint arthroplasty.",
            "Clin Orthop Relat Res",
            2002,
            authors=people("Banit DM, Kaufer H, Hartford JM"),
            issue="401",
            pages="230-238",
        ),
        (
            "Banit DM, Kaufer H, Hartford JM. Intraoperative frozen section analysis in revision "
            "total joint arthroplasty. "
            "Clin Orthop Relat Res. 2002;(401):230-8."
        ),
    ),
    "neither volume nor issue": (
        paper(
            "Outreach: bringing HIV-positive individuals into care.",
            "HRSA Careaction",
            2002,
            date=PartialDate(year=2002, month=6),
            pages="1-6",
        ),
        "Outreach: bringing HIV-positive individuals into care. HRSA Careaction. 2002 Jun:1-6.",
    ),
    "pages in roman numerals": (
        paper(
            "The politics of ethical consensus finding.",
            "Bioethics",
            2002,
            authors=people("Chadwick R, Schuklenk U"),
            volume="16",
            issue="2",
            pages="iii-v",
        ),
        "Chadwick R, Schuklenk U. The politics of ethical consensus finding. Bioethics. 2002;16(2):iii-v.",
    ),
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_an_icmje_sample_is_written_as_published_with_its_pmid_after_it(sample: str) -> None:
    reference, published = SAMPLES[sample]
    assert cite(reference) == f"{published} PMID: 1."


def test_doi_pmid_and_pmcid_follow_in_pubmeds_order() -> None:
    reference = replace(SAMPLES["no author"][0], doi="10.1136/bmj.325.7357.184", pmcid="PMC1234")
    assert cite(reference).endswith(":184. doi: 10.1136/bmj.325.7357.184. PMID: 1; PMCID: PMC1234.")


def test_a_book_names_its_publisher_and_a_chapter_its_book() -> None:
    book = Reference(
        pmid="1",
        title="Medical microbiology.",
        book_title="Medical microbiology.",
        publisher="Mosby",
        date=PartialDate(year=2002),
        authors=people("Murray PR, Rosenthal KS, Kobayashi GS, Pfaller MA"),
    )
    assert cite(book) == (
        "Murray PR, Rosenthal KS, Kobayashi GS, Pfaller MA. Medical microbiology. Mosby; 2002. PMID: 1."
    )
    chapter = replace(
        book, title="Chromosome alterations", authors=people("Meltzer PS"), pages="93-113", publisher="McGraw-Hill"
    )
    assert cite(chapter) == (
        "Meltzer PS. Chromosome alterations. In: Medical microbiology. McGraw-Hill; 2002. p. 93-113. PMID: 1."
    )


def test_an_article_ahead_of_print_says_so_with_its_online_date() -> None:
    reference = paper("T.", "J Neurosci", 2017, electronic_date=PartialDate(year=2017, month=7, day=5))
    assert cite(reference) == "T. J Neurosci. 2017 Jul 5 [Epub ahead of print]. PMID: 1."


def test_a_preprint_is_named_one() -> None:
    reference = paper("T.", "bioRxiv", 2016, editorial=("preprint",), date=PartialDate(year=2016, month=11, day=28))
    assert cite(reference) == "T. bioRxiv [Preprint]. 2016 Nov 28. PMID: 1."


@pytest.mark.parametrize(
    ("date", "written"),
    [
        (PartialDate(year=1998, text="1998 Dec-1999 Jan"), "1998 Dec-1999 Jan"),
        (PartialDate(year=2007, season="Nov-Dec"), "2007 Nov-Dec"),
        (PartialDate(year=2008, season="Spring"), "2008 Spring"),
        (PartialDate(year=2008), "2008"),
        (PartialDate(year=2008, day=3), "2008"),
        (None, ""),
    ],
)
def test_a_date_is_as_precise_as_it_was_given(date: PartialDate | None, written: str) -> None:
    assert cite(paper("T.", "J", 1, date=date, volume="3", pages="5")) == (
        f"T. J. {written}{';' if written else ''}3:5. PMID: 1."
    )
