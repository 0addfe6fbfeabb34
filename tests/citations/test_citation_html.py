"""A citation's HTML is safe, whatever the reference contains."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.citations import citation_html, citation_text
from pipeline.citations.spans import is_safe_markup
from pipeline.model.article import CitedWork
from pipeline.model.reference import Author, CitedReference, PartialDate, Reference, ReferenceState

hostile = st.text(alphabet=st.sampled_from("<>&\"'/ab= ;:.\u202e\U0001f9ea]?-1")) | st.sampled_from(
    ["<script>", "</script>", "]]>", "javascript:alert(1)", "<i onclick=x>", "&lt;b&gt;"]
)
references = st.builds(
    Reference,
    pmid=hostile,
    title=hostile,
    title_html=st.none() | hostile,
    translated=st.booleans(),
    authors=st.lists(st.builds(Author, last=hostile, initials=hostile, collective=st.none() | hostile)).map(tuple),
    journal_abbreviation=hostile,
    book_title=st.none() | hostile,
    date=st.none() | st.builds(PartialDate, year=st.integers(1000, 3000), text=st.none() | hostile),
    pages=hostile,
    doi=st.none() | hostile,
    pmcid=st.none() | hostile,
    languages=st.sampled_from([("eng",), ("ger",), ("und",), ("xxx", "fre")]),
)
styles = st.sampled_from(["ama", "vancouver"])
ANY_TAG = re.compile(r"<[^<>]*>")
ALLOWED = re.compile(r'</?(?:i|b|u|sub|sup)>|</a>|<a href="https?://[^"<>]*">')


@settings(deadline=None)
@given(references, styles)
def test_html_holds_only_inline_markup_and_web_links(reference: Reference, style: str) -> None:
    markup = citation_html(CitedReference(1, CitedWork("pmid", "1"), "resolved", reference), style=style)  # type: ignore[arg-type]
    assert all(ALLOWED.fullmatch(tag) for tag in ANY_TAG.findall(markup))
    assert "<" not in ANY_TAG.sub("", markup)


@settings(deadline=None)
@given(references.filter(lambda reference: reference.title_html is None), styles)
def test_text_and_html_say_the_same_words(reference: Reference, style: str) -> None:
    cited = CitedReference(1, CitedWork("pmid", "1"), "resolved", reference)
    markup = citation_html(cited, style=style)  # type: ignore[arg-type]
    assert html.unescape(ANY_TAG.sub("", markup)) == citation_text(cited, style=style)  # type: ignore[arg-type]


@settings(deadline=None)
@given(st.sampled_from(["pmid", "pmcid", "doi", "url"]), hostile, st.sampled_from(["pending", "unknown"]))
def test_an_unresolved_work_is_escaped_too(scheme: str, value: str, state: ReferenceState) -> None:
    markup = citation_html(CitedReference(1, CitedWork(scheme, value), state))  # type: ignore[arg-type]
    assert all(ALLOWED.fullmatch(tag) for tag in ANY_TAG.findall(markup))


def test_a_titles_own_markup_is_kept() -> None:
    reference = Reference(pmid="1", title="CO2 in E. coli.", title_html="CO<sub>2</sub> in <i>E. coli</i>.")
    cited = CitedReference(1, CitedWork("pmid", "1"), "resolved", reference)
    assert citation_html(cited).startswith("CO<sub>2</sub> in <i>E. coli</i>. PMID")


@pytest.mark.parametrize(
    ("markup", "safe"),
    [
        ("a<i>b</i>", True),
        ("a &amp; b &lt; c", True),
        ("<i>a", False),
        ("<i><b>a</i></b>", False),
        ("a < b", False),
        ("a & b", False),
        ('<i class="x">a</i>', False),
        ("<script>a</script>", False),
    ],
)
def test_markup_that_is_not_a_titles_is_told_apart(markup: str, safe: bool) -> None:
    assert is_safe_markup(markup) is safe


@pytest.mark.parametrize("state", ["pending", "unknown"])
@pytest.mark.parametrize(
    ("work", "text"),
    [
        (CitedWork("pmid", "34187661"), "PMID: 34187661. https://pubmed.ncbi.nlm.nih.gov/34187661/"),
        (CitedWork("pmcid", "PMC12"), "PMCID: PMC12. https://pmc.ncbi.nlm.nih.gov/articles/PMC12/"),
        (CitedWork("doi", "10.1000/a<b>"), "doi:10.1000/a<b> https://doi.org/10.1000/a%3Cb%3E"),
        (CitedWork("url", "https://who.int/x"), "https://who.int/x"),
    ],
)
def test_an_unresolved_work_is_named_and_linked(work: CitedWork, text: str, state: ReferenceState) -> None:
    cited = CitedReference(1, work, state)
    assert citation_text(cited) == text
    url = text.rsplit(" ", 1)[-1]
    assert f'<a href="{url}">{url}</a>' in citation_html(cited)


def test_the_authors_words_link_their_identifier_and_no_other_number() -> None:
    page = "https://pubmed.ncbi.nlm.nih.gov/993/"
    within = CitedReference(1, CitedWork("pmid", "993"), "pending", words="Roe J. 1993;1:2-9930. PMID: 993.")
    assert citation_html(within) == f'Roe J. 1993;1:2-9930. PMID: <a href="{page}">993</a>.'
    apart = CitedReference(1, CitedWork("pmid", "993"), "pending", words="Roe J. 1993;1:2-3.")
    assert citation_html(apart) == f'Roe J. 1993;1:2-3. PMID: 993. <a href="{page}">{page}</a>'
    doi = CitedReference(1, CitedWork("doi", "10.1000/x"), "unknown", words="Roe J. \u0130. doi:10.1000/X.")
    assert citation_html(doi) == 'Roe J. \u0130. doi:<a href="https://doi.org/10.1000/x">10.1000/X</a>.'
