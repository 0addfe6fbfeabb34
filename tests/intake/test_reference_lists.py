"""Reference lists as people write them: every entry is a reference, in its author's words, whatever it looks like."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InvalidArticle
from pipeline.intake import SourceFile, read_source
from pipeline.intake.body.reference_headings import is_certain, is_possible
from pipeline.intake.fields.entries import entries_in
from pipeline.intake.fields.works_in_text import works_in
from pipeline.model.article import Article, CitedWork

CASES = Path(__file__).parent / "cases" / "references"
LANCET = "10.1016/s0140-6736(97)11096-0"
TRIAL, WAKEFIELD, NOTICE = "pmid:99999991", "pmid:9500320", "pmid:20137807"


def read(name: str) -> Article:
    return read_source(SourceFile((CASES / name).read_bytes(), name)).article


def body(html: str) -> Article:
    page = f"<html><head><title>T</title></head><body><article><h1>T</h1><p>Known.</p>{html}</article></body></html>"
    return read_source(SourceFile(page.encode(), "a.html")).article


def ids(article: Article) -> list[str]:
    """Return each reference's id, or "text" for one that is known by its words alone."""
    return ["text" if work.scheme == "text" else f"{work.scheme}:{work.value}" for work in article.references]


@pytest.mark.parametrize("end", ["\n", "<br>\n", "\n\n"])
def test_each_line_of_a_list_cites_the_work_that_it_links_to(end: str) -> None:
    papers = (("Smith J. One paper. Lancet.", 11111), ("Doe J. Another. BMJ.", 22222), ("Roe J. A third. BMJ.", 33333))
    lines = [
        f"[{n}] {words} [PubMed](https://pubmed.ncbi.nlm.nih.gov/{pmid}/)" for n, (words, pmid) in enumerate(papers, 1)
    ]
    text = f"# T\n\nKnown.\n\n## References\n\n{end.join(lines)}\n"
    article = read_source(SourceFile(text.encode(), "a.md")).article
    assert ids(article) == ["pmid:11111", "pmid:22222", "pmid:33333"]
    assert [one.words for one in article.cited_as] == [f"{words} PubMed" for words, _ in papers]
    assert not any(one.also for one in article.cited_as)


def test_lists_under_lines_of_their_own_end_at_the_next_such_line() -> None:
    lists = "".join(f"<p>{line}</p><ol><li>10.1000/{n}</li></ol>" for n, line in enumerate(("Sources:", "References:")))
    assert ids(body(lists)) == ["doi:10.1000/0", "doi:10.1000/1"]
    assert ids(body("<h2>References</h2><p>Sources:</p><ol><li>10.1000/0</li></ol>")) == ["doi:10.1000/0"]


def test_a_paper_that_only_the_text_names_is_cited_beside_a_long_list() -> None:
    listed = [f"doi:10.1000/{n}" for n in range(600)]
    items = "".join(f"<li>{one}</li>" for one in listed)
    found = body(f"<p>As PMID: 99999991 shows.</p><h2>References</h2><ol>{items}</ol>")
    assert ids(found) == [*listed, TRIAL]
    found = body(f"<p>As PMID: 99999991 and doi:10.1000/0 show.</p><h2>References</h2><ol>{items}</ol>")
    assert ids(found) == [*listed, TRIAL]


def test_many_headings_above_the_same_text_are_refused() -> None:
    with pytest.raises(InvalidArticle) as refused:
        body("<div>Known <p>Sources:</p></div>" * 1_000)
    assert refused.value.code == "article-too-complex"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("list-as-paragraphs.md", [TRIAL, "doi:10.1000/x.2"]),
        ("list-bracketed.md", [TRIAL, "text"]),
        ("list-further-reading.md", [TRIAL, "text"]),
        ("list-mixed.html", [TRIAL, f"doi:{LANCET}", "url:https://www.who.int/x", "text"]),
        ("list-under-bold.md", [TRIAL, "text"]),
        ("neighbours-pmid.md", ["pmid:993"]),
        ("one-without-identifier.md", [TRIAL, "text"]),
        ("pmid-and-doi-disagree.md", ["pmid:993"]),
        ("r02-one-book.html", [WAKEFIELD, "text"]),
        ("r03-german.html", [WAKEFIELD, NOTICE]),
        ("r05-japanese.html", [WAKEFIELD, NOTICE]),
        ("r06-strong.html", [WAKEFIELD, NOTICE]),
        ("r08-section-div.html", [WAKEFIELD, NOTICE]),
        ("r10-paragraphs.html", [WAKEFIELD, NOTICE]),
        ("r11-intro-para.html", [WAKEFIELD, NOTICE]),
        ("r13-inline-links-only.html", [WAKEFIELD, f"doi:{LANCET}"]),
        ("r16-wikipedia.html", [WAKEFIELD]),
        ("r18-footnotes.md", [WAKEFIELD]),
        ("vancouver-list.md", [TRIAL, "text"]),
    ],
)
def test_every_list_gives_its_references(name: str, found: list[str]) -> None:
    assert ids(read(name)) == found


def test_every_case_is_tested() -> None:
    lists = {path.name for path in CASES.iterdir()} - {"forms.tsv"}
    (mark,) = test_every_list_gives_its_references.pytestmark  # type: ignore[attr-defined]
    assert {name for name, _ in mark.args[1]} == lists


def _forms() -> list[tuple[str, list[str]]]:
    with (CASES / "forms.tsv").open(encoding="utf-8") as file:
        rows = [row for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if not row[0].startswith("#")]
    return [(given, re.findall(r"\b(?:pmid|pmcid|doi|nbk):[^\s,]+", identifiers)) for given, identifiers in rows]


@pytest.mark.parametrize(("given", "identifiers"), _forms(), ids=[given[:60] for given, _ in _forms()])
def test_every_form_of_an_identifier_is_found(given: str, identifiers: list[str]) -> None:
    found = [work for entry in entries_in(given) for work in (entry.work, *entry.cited_as.also)]
    if identifiers:
        assert [f"{work.scheme}:{work.value}" for work in found] == identifiers
    else:
        assert [work.scheme for work in found] == ["url"]


def test_several_pmids_alone_are_as_many_references_and_two_ids_of_one_paper_are_one() -> None:
    assert [entry.work.value for entry in entries_in("PMIDs: 34187661, 33748956")] == ["34187661", "33748956"]
    (entry,) = entries_in("PMID: 34187661 PMCID: PMC8241534")
    assert (entry.work, entry.cited_as.also) == (CitedWork("pmid", "34187661"), (CitedWork("pmcid", "PMC8241534"),))


def test_an_entry_keeps_its_authors_words_and_both_its_identifiers() -> None:
    article = read("r16-wikipedia.html")
    (cited,) = article.cited_as
    assert cited.words is not None and cited.words.startswith("Wakefield A.")
    assert cited.also == (CitedWork("doi", LANCET),)
    assert article.identified == (*article.references, CitedWork("doi", LANCET))


def test_a_pmid_and_a_doi_in_one_mapping_are_both_kept() -> None:
    (cited,) = read("pmid-and-doi-disagree.md").cited_as
    assert cited.also == (CitedWork("doi", "10.1056/nejmoa2034577"),)


def test_markers_lead_to_the_entries_in_their_order() -> None:
    article = read("list-bracketed.md")
    assert [entry.words for entry in article.cited_as] == [
        "Smith J. A trial of baclofen. N Engl J Med. PMID: 99999991",
        "Roe P. A printed book. London: Press; 1999.",
    ]


@pytest.mark.parametrize(
    "dress",
    [
        "<table><tr><th>No</th><th>Source</th></tr><tr><td>1</td><td>{0}</td></tr><tr><td>2</td><td>{1}</td></tr></table>",
        "<dl><dt>1</dt><dd>{0}</dd><dt>2</dt><dd>{1}</dd></dl>",
        "<p>[1] {0}<br>[2] {1}</p>",
        "<p>Accessed in May.</p><ul><li>{0}</li><li>{1}</li></ul>",
        "<div><p>1. {0}</p><p>2. {1}</p></div>",
    ],
)
def test_a_list_in_any_dress_is_read(dress: str) -> None:
    article = body("<h2>References</h2>" + dress.format("Roe J. A trial. PMID: 7", "Poe K. A book. London; 1999."))
    assert ids(article) == ["pmid:7", "text"]
    assert "Poe K" in (article.cited_as[1].words or "")


def test_a_list_in_details_is_read() -> None:
    article = body(
        "<details><summary>Sources</summary><ol><li>Roe J. PMID: 7</li><li>Poe K. A book.</li></ol></details>"
    )
    assert ids(article) == ["pmid:7", "text"]


@pytest.mark.parametrize(
    "heading",
    ["References", "7. References", "REFERENCES:", "Bibliography", "Literature cited", "Sources", "Literatur",
     "Quellen",
     "Références", "Bibliografía", "Referências", "Bibliografia", "Литература", "参考文献", "참고문헌", "المراجع"],
)  # fmt: skip
def test_a_heading_in_any_language_announces_a_list(heading: str) -> None:
    assert is_certain(heading)


def test_other_headings_announce_a_list_only_if_it_names_papers() -> None:
    assert is_possible("Further reading") and not is_certain("Further reading")
    assert not is_possible("Side effects") and not is_possible("References to side effects in the leaflet")
    notes = "<h2>Notes</h2><ul><li>Rest.</li><li>Drink water.</li><li>See PMID: 7.</li></ul>"
    article = body(notes)
    assert [section.heading for section in article.sections] == ["Notes"]
    assert ids(article) == ["pmid:7"]  # it is mentioned, and so watched


def test_prose_under_a_heading_of_references_stays_text() -> None:
    article = body("<h2>Sources</h2><p>This page is written by doctors.</p>")
    assert (article.references, [section.heading for section in article.sections]) == ((), ["Sources"])


def test_what_follows_a_list_stays_in_the_article() -> None:
    article = body("<h2>References</h2><ol><li>PMID: 7</li></ol><h2>After</h2><p>Rest.</p>")
    assert ids(article) == ["pmid:7"]
    assert [section.heading for section in article.sections] == ["After"]


@given(st.text(max_size=300))
def test_any_text_is_read_and_its_identifiers_are_well_formed(text: str) -> None:
    for work in works_in(text).works:
        assert work.value.strip() == work.value != ""
        assert work.scheme != "pmid" or (work.value.isdigit() and work.value[0] != "0")
