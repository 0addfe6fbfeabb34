"""The parser on small records of each shape that PubMed gives, and on input that means harm."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.citations.spans import is_safe_markup
from pipeline.errors import TransientError
from pipeline.model.reference import Author, Notice, PartialDate, Reference
from pipeline.references.pubmed.pubmed_xml import parse_pubmed

MATHML = 'xmlns:mml="http://www.w3.org/1998/Math/MathML"'


def record(article: str = "", *, citation: str = "", data: str = "", pmid: str = "1") -> str:
    return (
        f'<PubmedArticle><MedlineCitation><PMID Version="1">{pmid}</PMID><Article>{article}</Article>{citation}'
        f"</MedlineCitation><PubmedData>{data}</PubmedData></PubmedArticle>"
    )


def read(*records: str) -> dict[str, Reference]:
    return parse_pubmed(f"<PubmedArticleSet>{''.join(records)}</PubmedArticleSet>".encode())


def only(article: str = "", *, citation: str = "", data: str = "") -> Reference:
    return read(record(article, citation=citation, data=data))["1"]


def title(markup: str, rest: str = "<Language>eng</Language>") -> Reference:
    return only(f"<ArticleTitle>{markup}</ArticleTitle>{rest}")


# --- titles -------------------------------------------------------------------------------------------------------


def test_a_title_is_read_whole_with_its_markup() -> None:
    reference = title("Role of <i>E. coli</i> O<sub>2</sub> &amp; <b><sup>3</sup>H</b> &lt;5%.")
    assert reference.title == "Role of E. coli O2 & 3H <5%."
    assert reference.title_html == "Role of <i>E. coli</i> O<sub>2</sub> &amp; <b><sup>3</sup>H</b> &lt;5%."


def test_a_title_without_markup_needs_no_html() -> None:
    assert title("Is 1 &lt; 2?") == Reference(pmid="1", title="Is 1 < 2?", languages=("eng",))


def test_mathml_becomes_text_with_its_scripts_and_slashes() -> None:
    math = (
        f"A <mml:math {MATHML}><mml:msubsup><mml:mi>x</mml:mi><mml:mn>2</mml:mn><mml:mo>+</mml:mo></mml:msubsup>"
        "<mml:mfrac><mml:mn>1</mml:mn><mml:mn>2</mml:mn></mml:mfrac>"
        "<mml:annotation>x_2^+</mml:annotation></mml:math> test."
    )
    assert title(math).title == "A x2+1/2 test."
    assert title(math).title_html == "A x<sub>2</sub><sup>+</sup>1/2 test."


def test_markup_that_a_title_may_not_hold_loses_its_tags_and_keeps_its_words() -> None:
    reference = title('<script>alert(1)</script><i onclick="x">a</i><a href="javascript:x">b</a>')
    assert reference.title == "alert(1)ab"
    assert reference.title_html == "alert(1)<i>a</i>b"


def test_comments_and_line_breaks_in_a_title_do_not_split_it() -> None:
    assert title("One <!-- a comment -->title\n   of two<?pi x?> lines").title == "One title of two lines"


@pytest.mark.parametrize(
    ("given_title", "rest", "read_title", "translated"),
    [
        ("[Thyroid storm].", "<Language>ger</Language>", "Thyroid storm.", True),
        ("[Thyroid storm.]", "<Language>ger</Language>", "Thyroid storm.", True),
        ("[Is it?].", "<Language>ger</Language>", "Is it?", True),
        ("[A [nested] one].", "<Language>fre</Language>", "A [nested] one.", True),
        ("[A] and [B].", "<Language>fre</Language>", "[A] and [B].", False),
        ("[Supplied by NLM].", "<Language>eng</Language>", "[Supplied by NLM].", False),
        ("Ein Titel.", "<Language>ger</Language>", "Ein Titel.", False),
        ("", "<VernacularTitle>Ein Titel.</VernacularTitle><Language>ger</Language>", "Ein Titel.", False),
    ],
)
def test_a_translation_is_told_from_an_original(given_title: str, rest: str, read_title: str, translated: bool) -> None:
    reference = title(given_title, rest)
    assert (reference.title, reference.translated) == (read_title, translated)


def test_where_nlm_has_no_translation_the_original_is_the_title() -> None:
    reference = title("[Not Available].", "<Language>fre</Language><VernacularTitle>Sur la goutte.</VernacularTitle>")
    assert (reference.title, reference.translated) == ("Sur la goutte.", False)


@pytest.mark.parametrize("namespace", ['<math xmlns="http://www.w3.org/1998/Math/MathML">', "<math>"])
def test_mathml_is_read_with_and_without_its_namespace(namespace: str) -> None:
    reference = title(f"A {namespace}<msup><mi>x</mi><mn>2</mn></msup></math> b.")
    assert (reference.title, reference.title_html) == ("A x2 b.", "A x<sup>2</sup> b.")


def test_a_publication_type_counts_by_its_number_alone() -> None:
    types = '<PublicationTypeList><PublicationType UI="{}"/></PublicationTypeList>'
    assert only(types.format("D016441")).editorial == ("retracted",)
    assert only(types.format("D016440")).editorial == ()


def test_a_list_of_deleted_citations_is_no_record() -> None:
    deleted = "<DeleteCitation><PMID>7</PMID></DeleteCitation>"
    assert set(read(record(), deleted)) == {"1"}


def test_a_translated_title_keeps_its_markup_and_its_original() -> None:
    reference = title(
        "[<i>Candida</i> in water].", "<VernacularTitle>W <i>X</i></VernacularTitle><Language>ger</Language>"
    )
    assert reference.title_html == "<i>Candida</i> in water."
    assert reference.vernacular_title == "W X"


# --- identifiers, dates, pages, people ----------------------------------------------------------------------------

REFERENCE_LIST = (
    "<ReferenceList><Reference><ArticleIdList><ArticleId IdType='doi'>10.1000/theirs</ArticleId>"
    "<ArticleId IdType='pmc'>PMC9</ArticleId></ArticleIdList></Reference></ReferenceList>"
)


def test_the_ids_of_the_reference_list_are_never_the_papers_own() -> None:
    reference = only(data=f"<ArticleIdList><ArticleId IdType='pubmed'>1</ArticleId></ArticleIdList>{REFERENCE_LIST}")
    assert reference.doi is None
    assert reference.pmcid is None


@pytest.mark.parametrize(
    ("article", "listed", "doi"),
    [
        ("", "<ArticleId IdType='doi'>10.1000/ABC</ArticleId>", "10.1000/abc"),
        ("<ELocationID EIdType='doi' ValidYN='Y'>10.1000/x</ELocationID>", "", "10.1000/x"),
        ("<ELocationID EIdType='doi' ValidYN='N'>10.1000/x</ELocationID>", "", None),
        ("<ELocationID EIdType='pii' ValidYN='Y'>10.1000/x</ELocationID>", "", None),
        ("", "<ArticleId IdType='doi'>https://doi.org/10.1000/x</ArticleId>", "10.1000/x"),
        ("<ELocationID EIdType='doi'>10.1000/x</ELocationID>", "<ArticleId IdType='doi'>n/a</ArticleId>", "10.1000/x"),
    ],
)
def test_a_doi_is_taken_from_where_the_papers_own_stands(article: str, listed: str, doi: str | None) -> None:
    assert only(article, data=f"<ArticleIdList>{listed}</ArticleIdList>{REFERENCE_LIST}").doi == doi


@pytest.mark.parametrize(
    ("given_date", "date"),
    [
        ("<Year>2002</Year><Month>Jul</Month><Day>25</Day>", PartialDate(2002, 7, 25)),
        ("<Year>2002</Year><Month>07</Month>", PartialDate(2002, 7)),
        ("<Year>2002</Year>", PartialDate(2002)),
        ("<Year>2002</Year><Season>Spring</Season>", PartialDate(2002, season="Spring")),
        ("<Year>2002</Year><Month>Jul-Aug</Month>", PartialDate(2002, season="Jul-Aug")),
        ("<MedlineDate>1998 Dec-1999 Jan</MedlineDate>", PartialDate(1998, text="1998 Dec-1999 Jan")),
        ("<Year>MMII</Year><Month>13</Month><Day>0</Day>", PartialDate(season="13")),
        ("", None),
    ],
)
def test_a_date_is_as_precise_as_given(given_date: str, date: PartialDate | None) -> None:
    journal = f"<Journal><JournalIssue><PubDate>{given_date}</PubDate></JournalIssue></Journal>"
    assert only(journal).date == date


def test_the_electronic_date_stands_beside_the_print_date() -> None:
    reference = only("<ArticleDate DateType='Electronic'><Year>2017</Year><Month>06</Month></ArticleDate>")
    assert reference.electronic_date == PartialDate(2017, 6)
    assert reference.date is None


@pytest.mark.parametrize(
    ("pagination", "pages"),
    [
        ("<MedlinePgn>284-7</MedlinePgn>", "284-7"),
        ("<StartPage>284</StartPage><EndPage>287</EndPage><MedlinePgn>284-7</MedlinePgn>", "284-7"),
        ("<StartPage>284</StartPage><EndPage>287</EndPage>", "284-287"),
        ("<StartPage>e12</StartPage><MedlinePgn/>", "e12"),
        ("<MedlinePgn/>", None),
    ],
)
def test_pages_are_found_wherever_they_stand(pagination: str, pages: str | None) -> None:
    assert only(f"<Pagination>{pagination}</Pagination>").pages == pages


def test_people_groups_and_names_of_one_word_stand_in_their_order() -> None:
    reference = only(
        "<AuthorList CompleteYN='N'>"
        "<Author><LastName>Smith</LastName><ForeName>Sid C</ForeName><Initials>SC</Initials><Suffix>Jr</Suffix>"
        "<Identifier Source='ORCID'>http://orcid.org/000000021825009x</Identifier></Author>"
        "<Author ValidYN='N'><LastName>Smyth</LastName></Author>"
        "<Author><CollectiveName>The <i>X</i> Group</CollectiveName></Author>"
        "<Author><LastName>Aristotle</LastName></Author>"
        "<Author><AffiliationInfo/></Author>"
        "</AuthorList>"
    )
    assert reference.authors == (
        Author("Smith", "Sid C", "SC", "Jr", orcid="0000-0002-1825-009X"),
        Author(collective="The X Group"),
        Author("Aristotle"),
    )
    assert not reference.authors_complete


@pytest.mark.parametrize(
    ("journal", "citation", "abbreviation"),
    [
        ("<ISOAbbreviation>J. Biol. Chem.</ISOAbbreviation>", "", "J Biol Chem"),
        (
            "<ISOAbbreviation>J. Biol. Chem.</ISOAbbreviation>",
            "<MedlineJournalInfo><MedlineTA>J Biol Chem</MedlineTA></MedlineJournalInfo>",
            "J Biol Chem",
        ),
        ("", "", None),
    ],
)
def test_the_journals_abbreviation_is_nlms(journal: str, citation: str, abbreviation: str | None) -> None:
    assert only(f"<Journal>{journal}</Journal>", citation=citation).journal_abbreviation == abbreviation


# --- editorial status ---------------------------------------------------------------------------------------------


def types(*names: str) -> str:
    return f"<PublicationTypeList>{''.join(names)}</PublicationTypeList>"


def correction(kind: str, source: str = "J. 2001;1:1.", pmid: str = "") -> str:
    number = f"<PMID>{pmid}</PMID>" if pmid else ""
    return f"<CommentsCorrections RefType='{kind}'><RefSource>{source}</RefSource>{number}</CommentsCorrections>"


def corrected(*corrections: str) -> Reference:
    return only(citation=f"<CommentsCorrectionsList>{''.join(corrections)}</CommentsCorrectionsList>")


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("RetractionIn", "retracted"),
        ("ExpressionOfConcernIn", "concern"),
        ("ErratumIn", "erratum"),
        ("CorrectedandRepublishedIn", "corrected-republished"),
        ("RetractedandRepublishedIn", "retracted-republished"),
        ("UpdateIn", "updated"),
    ],
)
def test_each_state_is_kept_apart_with_its_notice(kind: str, state: str) -> None:
    reference = corrected(correction("Cites"), correction(kind, pmid="7"), correction("CommentIn"))
    assert reference.editorial == (state,)
    assert reference.notices == (Notice(state, "J. 2001;1:1.", "7"),)  # type: ignore[arg-type]


def test_an_older_notice_may_lack_its_pmid() -> None:
    reference = corrected(correction("RetractionIn", "Wu D. Mol Pharmacol. 1998 Feb;53(2):346"))
    assert reference.notices == (Notice("retracted", "Wu D. Mol Pharmacol. 1998 Feb;53(2):346"),)
    assert reference.retracted


@pytest.mark.parametrize(
    "named",
    [
        "<PublicationType UI='D016441'>Retracted Publication</PublicationType>",
        "<PublicationType>Retracted Publication</PublicationType>",
        "<PublicationType UI=''>RETRACTED PUBLICATION</PublicationType>",
    ],
)
def test_a_retracted_publication_is_retracted_without_any_notice(named: str) -> None:
    assert only(types("<PublicationType>Journal Article</PublicationType>", named)).editorial == ("retracted",)


@pytest.mark.parametrize(
    "named",
    [
        "<PublicationType UI='D016440'>Retraction of Publication</PublicationType>",
        "<PublicationType UI='D016440'>Retraction Notice</PublicationType>",
        "<PublicationType UI=''>RETRACTION OF PUBLICATION</PublicationType>",
        "<PublicationType UI='D016425'>Published Erratum</PublicationType>",
        "<PublicationType UI='D000075742'>Expression of Concern</PublicationType>",
        "<PublicationType UI='D016439'>Corrected and Republished Article</PublicationType>",
    ],
)
def test_a_notice_is_in_good_standing_whatever_it_announces(named: str) -> None:
    given = [f"{kind}Of" for kind in ("Retraction", "Update")] + ["ErratumFor", "ExpressionOfConcernFor"]
    reference = read(
        record(
            types(named),
            citation=f"<CommentsCorrectionsList>{''.join(map(correction, given))}</CommentsCorrectionsList>",
        )
    )["1"]
    assert reference.editorial == ()
    assert reference.notices == ()


def test_states_stand_in_one_order_each_once() -> None:
    reference = read(
        record(
            types("<PublicationType UI='D000076942'>Preprint</PublicationType>"),
            citation=(
                "<CommentsCorrectionsList>"
                + "".join(
                    map(correction, ("UpdateIn", "ErratumIn", "ErratumIn", "ExpressionOfConcernIn", "RetractionIn"))
                )
                + "</CommentsCorrectionsList>"
            ),
        )
    )["1"]
    assert reference.editorial == ("retracted", "concern", "erratum", "updated", "preprint")
    assert len(reference.notices) == 5


# --- books, sets, versions ----------------------------------------------------------------------------------------

BOOK = (
    "<PubmedBookArticle><BookDocument><PMID>5</PMID>"
    "<ArticleIdList><ArticleId IdType='bookaccession'>NBK1</ArticleId></ArticleIdList>"
    "<Book><Publisher><PublisherName>NIH</PublisherName></Publisher><BookTitle><i>Genes</i> Now</BookTitle>"
    "<PubDate><Year>1993</Year></PubDate>"
    "<AuthorList Type='editors'><Author><LastName>Ed</LastName></Author></AuthorList>"
    "<AuthorList Type='authors'><Author><LastName>Writer</LastName></Author></AuthorList></Book>"
    "{chapter}<Language>eng</Language><PublicationType UI='D016454'>Review</PublicationType>"
    "</BookDocument><PubmedBookData/></PubmedBookArticle>"
)


def test_a_whole_book_is_its_own_title() -> None:
    book = read(BOOK.format(chapter=""))["5"]
    assert (book.title, book.book_title, book.title_html) == ("Genes Now", "Genes Now", "<i>Genes</i> Now")
    assert (book.publisher, book.date, book.types) == ("NIH", PartialDate(1993), ("Review",))
    assert book.authors == (Author("Writer"),)


def test_a_chapter_has_its_own_title_and_authors() -> None:
    chapter = read(
        BOOK.format(
            chapter="<ArticleTitle>One</ArticleTitle><AuthorList Type='authors'><Author><LastName>Chap</LastName>"
            "</Author></AuthorList><ContributionDate><Year>2006</Year></ContributionDate>"
        )
    )["5"]
    assert (chapter.title, chapter.book_title) == ("One", "Genes Now")
    assert chapter.authors == (Author("Chap"),)
    assert chapter.electronic_date == PartialDate(2006)


def test_of_two_versions_of_a_record_the_newer_counts_whatever_their_order() -> None:
    old = record("<ArticleTitle>Old</ArticleTitle>")
    new = record("<ArticleTitle>New</ArticleTitle>").replace('Version="1"', 'Version="2"')
    assert read(old, new) == read(new, old)
    assert read(old, new)["1"].title == "New"


def test_a_record_with_nothing_but_its_pmid_gives_a_reference() -> None:
    assert parse_pubmed(b"<PubmedArticle><MedlineCitation><PMID>7</PMID></MedlineCitation></PubmedArticle>") == {
        "7": Reference(pmid="7", title="")
    }


def test_a_record_without_a_pmid_is_left_out() -> None:
    assert read("<PubmedArticle/>", record(pmid="x"), record(pmid="3")).keys() == {"3"}


def test_an_empty_set_is_an_answer() -> None:
    assert parse_pubmed(b"<PubmedArticleSet></PubmedArticleSet>") == {}


# --- harm ---------------------------------------------------------------------------------------------------------

LAUGHS = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not XML",
        b"<html><body>Blocked</body></html>",
        b"<eFetchResult><ERROR>ID list is empty!</ERROR></eFetchResult>",
        b"<PubmedArticleSet><PubmedArticle>",
        b"<PubmedArticleSet>\x00</PubmedArticleSet>",
        b"<PubmedArticleSet>" + b"<a>" * 300 + b"</a>" * 300 + b"</PubmedArticleSet>",
        f"<!DOCTYPE PubmedArticleSet [<!ENTITY l0 'ha'>{LAUGHS}]><PubmedArticleSet>&l9;</PubmedArticleSet>".encode(),
        f"<!DOCTYPE PubmedArticleSet [<!ENTITY l0 'ha'>{LAUGHS}]><PubmedArticleSet a='&l9;'/>".encode(),
        b"<!DOCTYPE PubmedArticleSet [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><PubmedArticleSet>&x;</PubmedArticleSet>",
        "<!DOCTYPE PubmedArticleSet [<!ENTITY % x SYSTEM 'http://127.0.0.1:9/'> %x;]><PubmedArticleSet/>".encode(
            "utf-16"
        ),
    ],
)
def test_what_is_no_whole_harmless_pubmed_xml_is_refused_as_unreadable(body: bytes) -> None:
    with pytest.raises(TransientError) as refused:
        parse_pubmed(body)
    assert refused.value.code == "unreadable-xml"


def test_a_document_over_the_limit_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.references.pubmed.hardened.MAX_BYTES", 10)
    with pytest.raises(TransientError, match="more than 10"):
        parse_pubmed(b"<PubmedArticleSet/>")


def test_ncbis_document_type_is_not_fetched_and_harms_nothing() -> None:
    doctype = (
        '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
        '"http://127.0.0.1:9/pubmed_250101.dtd">'
    )
    assert (
        parse_pubmed(
            f"{doctype}<PubmedArticleSet>{record('<ArticleTitle>a&nbsp;b</ArticleTitle>')}</PubmedArticleSet>".encode()
        )["1"].title
        == "a\u00a0b"
    )


TAGS = ["PubmedArticleSet", "PubmedArticle", "MedlineCitation", "PMID", "Article", "ArticleTitle", "AuthorList", "i"]
ODDS = ["12", "&amp;", "&x;", "]]>", "<!--", "-->", "<![CDATA[", "\x00", "\ufffe\U0001f9ea", "[", "].", " "]
pieces = st.lists(
    st.sampled_from([f"<{tag}>" for tag in TAGS] + [f"</{tag}>" for tag in TAGS] + ODDS) | st.text(max_size=8),
    max_size=40,
).map("".join)
nested = st.recursive(
    st.lists(st.sampled_from([*TAGS, "12"]), max_size=2).map(lambda tags: "".join(f"<{tag}>7</{tag}>" for tag in tags)),
    lambda inner: st.tuples(st.sampled_from(TAGS), inner, inner).map(lambda t: f"<{t[0]}>{t[1]}</{t[0]}>{t[2]}"),
)


def read_or_refuse(body: bytes) -> dict[str, Reference] | TransientError:
    try:
        return parse_pubmed(body)
    except TransientError as refused:
        return refused


@settings(deadline=None)
@given(st.binary(max_size=200) | (pieces | nested).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_give_references_or_the_typed_error(body: bytes) -> None:
    read = read_or_refuse(body)
    if isinstance(read, TransientError):
        assert read.code == "unreadable-xml"
    else:
        assert all(reference.pmid == pmid for pmid, reference in read.items())


@settings(deadline=None)
@given(
    st.recursive(
        st.text("ab<>&\"'[]. \n", max_size=5).map(lambda text: text.replace("&", "&amp;").replace("<", "&lt;")),
        lambda inner: st.tuples(st.sampled_from(["i", "b", "u", "sub", "sup", "em", "script"]), inner, inner).map(
            lambda parts: f"<{parts[0]}>{parts[1]}</{parts[0]}>{parts[2]}"
        ),
        max_leaves=8,
    )
)
def test_any_title_gives_safe_html_that_says_its_words(markup: str) -> None:
    reference = title(markup.replace("]]>", ""), "<Language>ger</Language>")
    if reference.title_html is not None:
        assert is_safe_markup(reference.title_html)
