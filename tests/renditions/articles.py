"""Articles to render: one rich sample, a set of strange ones, and a hypothesis strategy of hostile ones."""

from __future__ import annotations

import datetime as dt
import unicodedata
from typing import get_args

import msgspec
from hypothesis import strategies as st

from pipeline.model.article import (
    MAX_NESTING,
    Abbreviation,
    Article,
    Block,
    BulletList,
    CallToAction,
    Cell,
    CitedWork,
    Code,
    Definition,
    DefinitionList,
    Deleted,
    Emphasis,
    Image,
    Inline,
    Inserted,
    LineBreak,
    Link,
    ListItem,
    Marker,
    Note,
    NoteKind,
    NumberedList,
    NumberStyle,
    Paragraph,
    Person,
    Preformatted,
    Quotation,
    RelatedLink,
    Section,
    Strong,
    Subscript,
    Superscript,
    Table,
    Text,
    Topic,
)
from pipeline.model.reference import Author, CitedReference, EditorialState, Notice, PartialDate, Reference
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Feed, Site

PUBLISHED = dt.datetime(2025, 3, 2, 9, 30, tzinfo=dt.UTC)
UPDATED = dt.datetime(2025, 3, 14, 16, 5, 9, tzinfo=dt.UTC)

SITE = Site(
    title="Doctor's Note",
    url="https://notes.example.org",
    language="en",
    publisher="Example Health",
    logo="https://notes.example.org/logo.png",
    disclaimer="This text informs and does not replace a visit to your doctor.",
    hubs=("https://notes.example.org/hub",),
)
FEED = Feed(id="latest", title="Doctor's Note: latest", description="Answers from doctors, with their evidence.")


def text(value: str) -> Paragraph:
    return Paragraph((Text(value),))


def item(value: str, *more: Block) -> ListItem:
    return ListItem((text(value), *more))


def row(*values: str, header: bool = False) -> tuple[Cell, ...]:
    return tuple(Cell((Text(value),), header=header) for value in values)


# --- the sample ---------------------------------------------------------------------------------------------------

REFERENCES = (
    CitedReference(
        1,
        CitedWork("pmid", "90000001"),
        "resolved",
        Reference(
            pmid="90000001",
            title="Baclofen for leg stiffness: effects of α<β dosing on H2O balance",
            title_html="Baclofen for leg stiffness: effects of <i>α</i>&lt;β dosing on H<sub>2</sub>O balance",
            authors=(Author(last="Okafor", fore="Ngozi", initials="N"), Author(last="Lindqvist", initials="PA")),
            journal="The Example Journal of Neurology",
            journal_abbreviation="Ex J Neurol",
            date=PartialDate(2019, 5, 3),
            volume="12",
            issue="4",
            pages="284-7",
            doi="10.5555/exjn.2019.284",
            pmcid="PMC9000001",
            languages=("eng",),
            types=("Journal Article",),
        ),
    ),
    CitedReference(
        2,
        CitedWork("pmid", "90000002"),
        "resolved",
        Reference(
            pmid="90000002",
            title="Stretching cures everything",
            authors=(Author(collective="The Stretch Group"),),
            journal="Annals of Examples",
            journal_abbreviation="Ann Examples",
            date=PartialDate(2021),
            volume="3",
            pages="e11",
            doi="10.5555/annex.e11",
            languages=("eng",),
            types=("Journal Article", "Retracted Publication"),
            editorial=("retracted", "erratum"),
            notices=(
                Notice("retracted", "Ann Examples. 2022;4:e2", "90000012"),
                Notice("erratum", "Ann Examples. 2021;3:e99"),
            ),
        ),
    ),
    CitedReference(3, CitedWork("pmid", "90000003"), "pending"),
    CitedReference(4, CitedWork("doi", "10.5555/unheard.of"), "unknown"),
    CitedReference(5, CitedWork("url", "https://guidelines.example.org/spasticity?v=2&lang=en"), "unknown"),
)

ARTICLE = Article(
    id="leg-spasticity",
    title="What helps against leg spasticity & stiffness?",
    question="My legs are stiff after a stroke. What can I do?",
    answer="Daily stretching helps most people.\n\nMedicines such as baclofen help when p < 0.05 matters to you.",
    lead=(
        Paragraph(
            (Text("Spasticity is "), Emphasis((Text("common"),)), Text(" after a stroke"), Marker((1,)), Text("."))
        ),
    ),
    sections=(
        Section(
            "What it is",
            "what-it-is",
            (
                text("Muscles that tighten by themselves."),
                BulletList((item("Stiff calves"), item("Spasms", BulletList((item("at night"), item("on waking")))))),
                Note("important", (text("Never stop baclofen abruptly."),)),
            ),
            (
                Section(
                    "1. Causes",
                    "causes",
                    (
                        NumberedList((item("Stroke"), item("Multiple sclerosis")), start=3),
                        Quotation((text("It felt like walking in mud."),), source="A patient"),
                    ),
                ),
            ),
        ),
        Section(
            "Treatments",
            "treatments",
            (
                Table(
                    (row("Treatment", "Effect", header=True), row("Stretching", "good"), row("Baclofen", "fair")),
                    caption="What works",
                ),
                Paragraph(
                    (
                        Strong((Text("Ask"),)),
                        Text(" about "),
                        Link("https://notes.example.org/articles/baclofen?a=1&b=2", (Text("baclofen"),)),
                        Marker((2, 4)),
                        Text(" and H"),
                        Subscript((Text("2"),)),
                        Text("O, 10"),
                        Superscript((Text("3"),)),
                        LineBreak(),
                        Code("dose < 80 mg"),
                    )
                ),
                Image(
                    "https://notes.example.org/img/stretch.jpg",
                    "A calf stretch",
                    640,
                    480,
                    "Hold for 30 s",
                    "Photo: E. X.",
                ),
                Preformatted("morning   10 mg\nevening   20 mg"),
                Note("urgent", (text("Sudden weakness or trouble speaking."),)),
            ),
        ),
    ),
    references=tuple(cited.work for cited in REFERENCES),
    authors=(Person("Ada Writer", None, "Medical editor", None, "https://notes.example.org/people/ada"),),
    reviewers=(Person("Grace Reviewer", "MD, PhD", "Neurologist", "Example Hospital"),),
    topics=(Topic("Spasticity", "spasticity", "D009128"), Topic("Stroke", "stroke")),
    calls_to_action=(
        CallToAction("Check your symptoms", "https://notes.example.org/check?topic=legs", "It takes two minutes."),
        CallToAction("Call your doctor's office"),
    ),
    related=(RelatedLink("Life with baclofen", "https://notes.example.org/articles/baclofen"),),
    image=Image("https://notes.example.org/img/legs.png", "Two legs", 1200, 800, "Legs at rest", "Photo: A. N. Other"),
    published=PUBLISHED,
    modified=dt.datetime(2025, 3, 10, 8, 0, tzinfo=dt.UTC),
    reviewed=dt.date(2025, 3, 9),
    disclaimer="The author once owned a spring.",
    licence="https://creativecommons.org/licenses/by/4.0/",
)


def revision_of(article: Article, references: tuple[CitedReference, ...] | None = None, number: int = 1) -> Revision:
    """A revision of the article; references that are not given are pending."""
    if references is None:
        references = tuple(CitedReference(n, work, "pending") for n, work in enumerate(article.references, 1))
    return Revision(article=article, number=number, published=PUBLISHED, updated=UPDATED, references=references)


SAMPLE = revision_of(ARTICLE, REFERENCES, number=2)

WITHDRAWAL = Withdrawal(
    article_id="leg-spasticity",
    title=ARTICLE.title,
    number=3,
    reason="The evidence did not hold: see <our statement> & ask.",
    published=PUBLISHED,
    withdrawn=dt.datetime(2025, 4, 1, 12, 0, tzinfo=dt.UTC),
)
GONE = msgspec.structs.replace(WITHDRAWAL, article_id="gone", title="What once was said")  # beside SAMPLE in a feed


# --- strange ones -------------------------------------------------------------------------------------------------

HOSTILE = (
    "]]>",
    "</script><script>alert(1)</script>",
    "<!-- --> <![CDATA[ ]]> <?php ?>",
    '" onmouseover="alert(1)',
    "&amp; &lt; &#0; &nbsp;",
    "{{ 7*7 }} {% raw %} ${x}",
    "𝒳 🧠 👩🏽‍⚕️ 𐍈",
    "שלום עולם, مرحبا بالعالم",
    "\u202eevil\u202c \u2066x\u2069 \ufeff",
    "<math><mi>β</mi><mo>&lt;</mo><mn>2</mn></math>",
    "javascript:alert(1)",
    "\u2028line\u2029",
    "a\u00a0b\u200bc",
)

MINIMAL = revision_of(Article(id="m", title="M", answer="A"))


def _hostile_article() -> Article:
    paragraphs = tuple(text(word) for word in HOSTILE)
    return Article(
        id="hostile",
        title=" ".join(HOSTILE),
        question=" ".join(HOSTILE),
        answer="\n\n".join(HOSTILE),
        sections=tuple(
            Section(word, f"ref-{n}", paragraphs, (Section(word, f"section-ref-{n}"),))
            for n, word in enumerate(HOSTILE)
        ),
        reviewers=tuple(Person(word, word, word, word, "javascript:alert(1)") for word in HOSTILE),
        topics=tuple(Topic(word, f"t{n}") for n, word in enumerate(HOSTILE)),
        calls_to_action=tuple(CallToAction(word, "https://x.example/?q=%22&a=b", word) for word in HOSTILE),
        disclaimer="\n\n".join(HOSTILE),
    )


def _hostile_revision() -> Revision:
    references = tuple(
        CitedReference(
            n,
            CitedWork("pmid", str(n)),
            "resolved",
            Reference(pmid=str(n), title=word, journal=word, authors=(Author(last=word),)),
        )
        for n, word in enumerate(HOSTILE, 1)
    )
    article = msgspec.structs.replace(_hostile_article(), references=tuple(cited.work for cited in references))
    return revision_of(article, references)


def emphasised(levels: int) -> tuple[Inline, ...]:
    inlines: tuple[Inline, ...] = (Text("the bottom of the words"),)
    for _ in range(levels):
        inlines = (Emphasis(inlines),)
    return inlines


def _deep_article() -> Article:
    """Nothing bounds inlines within inlines but the parser that read them."""
    blocks: tuple[Block, ...] = (text("the bottom of the lists"), Paragraph(emphasised(200)))
    for level in range(MAX_NESTING - 1):
        blocks = (BulletList((ListItem((text(f"item at {level}"), *blocks)),)),)
    sections: tuple[Section, ...] = ()
    for level in reversed(range(MAX_NESTING)):
        sections = (Section(f"Level {level}", f"level-{level}", blocks if level == MAX_NESTING - 1 else (), sections),)
    return Article(id="deep", title="Deep", answer="Down there.", sections=sections)


def _arabic_article() -> Article:
    return Article(
        id="arabic",
        title="ما الذي يساعد في تشنج الساق؟",
        question="ساقاي متيبستان بعد السكتة الدماغية",
        answer="التمدد اليومي يساعد معظم الناس.",
        sections=(Section("ما هو", "ma-huwa", (text("عضلات تنقبض (spasticity) من تلقاء نفسها."),)),),
        references=(CitedWork("pmid", "90000003"),),
        reviewers=(Person("د. سارة", "MD"),),
        language="ar",
        reviewed=dt.date(2025, 1, 5),
    )


STRANGE: dict[str, Revision] = {
    "minimal": MINIMAL,
    "hollow": revision_of(
        Article(
            id="hollow",
            title="Hollow",
            answer="Nothing inside.",
            lead=(Paragraph(()), BulletList(()), NumberedList(()), Table(()), Quotation(()), Note("info", ())),
            sections=(Section("Empty", "empty"), Section("Empty items", "empty-items", (BulletList((ListItem(()),)),))),
        )
    ),
    "hostile": _hostile_revision(),
    "deep": revision_of(_deep_article()),
    "arabic": revision_of(_arabic_article()),
    "many-references": revision_of(
        Article(
            id="many-references",
            title="Many references",
            answer="So many.",
            lead=(Paragraph((Text("All"), Marker(tuple(range(1, 301))))),),
            references=tuple(CitedWork("pmid", str(91000000 + n)) for n in range(300)),
        )
    ),
    "enormous-table": revision_of(
        Article(
            id="enormous-table",
            title="Enormous table",
            answer="Look it up.",
            lead=(
                Table(
                    (
                        row(*(f"column {n}" for n in range(20)), header=True),
                        *(row(*(f"{line}:{n}" for n in range(20))) for line in range(200)),
                        (Cell((Text("wide"),), header=True, colspan=20), Cell((), rowspan=99999)),
                    )
                ),
            ),
        )
    ),
}


# --- hypothesis ---------------------------------------------------------------------------------------------------


def _presentable(value: str) -> bool:
    return bool(value.strip())


_letters = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=24)
words = (
    st.one_of(st.sampled_from(HOSTILE), _letters).map(lambda s: unicodedata.normalize("NFC", s)).filter(_presentable)
)
_urls = st.sampled_from(
    (
        "https://example.org/",
        "https://example.org/a?b=1&c=%22%3E",
        "http://example.org:8080/x#y",
        "https://müller.example/straße",
    )
)
_optional = st.none() | words
_slugs = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,3}", fullmatch=True)
_CENTURIES = dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)  # noqa: DTZ001  # hypothesis adds the zone
_moments = st.datetimes(*_CENTURIES, timezones=st.just(dt.UTC))

_leaf_inlines: st.SearchStrategy[Inline] = st.one_of(
    st.builds(Text, words), st.builds(Code, words), st.just(LineBreak())
)
inlines: st.SearchStrategy[tuple[Inline, ...]] = st.recursive(
    st.lists(_leaf_inlines, max_size=3).map(tuple),
    lambda inner: st.tuples(
        st.one_of(
            st.builds(Emphasis, inner),
            st.builds(Strong, inner),
            st.builds(Superscript, inner),
            st.builds(Subscript, inner),
            st.builds(Link, _urls, inner),
            st.builds(Deleted, inner),
            st.builds(Inserted, inner),
            st.builds(Abbreviation, inner, words),
        )
    ),
    max_leaves=4,
)
images = st.builds(
    Image, _urls, st.just("") | words, st.none() | st.just(640), st.none() | st.just(480), _optional, _optional
)
_pictured = st.builds(Image, _urls, words).map(lambda image: (image,))
_cells = st.builds(Cell, inlines | _pictured, st.booleans(), st.integers(1, 3), st.integers(1, 3))
_tables = st.builds(Table, st.lists(st.lists(_cells, max_size=3).map(tuple), max_size=3).map(tuple), _optional)
_leaf_blocks: st.SearchStrategy[Block] = st.one_of(
    st.builds(Paragraph, inlines), st.builds(Preformatted, words), images, _tables
)


def _containers(inner: st.SearchStrategy[Block]) -> st.SearchStrategy[Block]:
    several = st.lists(inner, max_size=3).map(tuple)
    items = st.lists(
        st.builds(ListItem, several, st.none() | st.integers(-3, 40), st.none() | st.booleans()), max_size=3
    ).map(tuple)
    definitions = st.builds(
        Definition, st.lists(inlines, max_size=2).map(tuple), st.lists(several, max_size=2).map(tuple)
    )
    return st.one_of(
        st.builds(BulletList, items),
        st.builds(NumberedList, items, st.integers(0, 12), st.sampled_from(get_args(NumberStyle)), st.booleans()),
        st.builds(DefinitionList, st.lists(definitions, max_size=2).map(tuple)),
        st.builds(Quotation, several, _optional),
        st.builds(Note, st.sampled_from(get_args(NoteKind)), several),
    )


blocks = st.recursive(_leaf_blocks, _containers, max_leaves=6)
_people = st.lists(st.builds(Person, words, _optional, _optional, _optional, st.none() | _urls), max_size=2).map(tuple)
_works = st.lists(
    st.one_of(
        st.builds(CitedWork, st.just("pmid"), st.integers(1, 99_999_999).map(str)),
        st.builds(CitedWork, st.just("pmcid"), st.integers(1, 9_999_999).map(lambda n: f"PMC{n}")),
        st.builds(CitedWork, st.just("doi"), st.sampled_from(("10.1000/x", "10.1002/(sici)1097<1::aid-x>3.0.co;2-#"))),
        st.builds(CitedWork, st.just("url"), _urls),
    ),
    max_size=4,
    unique=True,
)


@st.composite
def _sections(draw: st.DrawFn) -> tuple[Section, ...]:
    anchors = draw(st.lists(_slugs, max_size=4, unique=True))
    made = [Section(draw(words), anchor, tuple(draw(st.lists(blocks, max_size=2)))) for anchor in anchors]
    nested: tuple[Section, ...] = ()
    for section in reversed(made[1:]):
        nested = (msgspec.structs.replace(section, sections=nested if draw(st.booleans()) else ()), *nested[:0])
    return (*made[:1], *nested)


@st.composite
def articles(draw: st.DrawFn) -> Article:
    """An article as intake may hand it on, strange in every field."""
    works = tuple(draw(_works))
    return Article(
        id=draw(_slugs),
        title=draw(words),
        answer="\n\n".join(draw(st.lists(words, min_size=1, max_size=3))),
        question=draw(_optional),
        lead=(*draw(st.lists(blocks, max_size=2)), Paragraph(tuple(Marker((n,)) for n in range(1, len(works) + 1)))),
        sections=draw(_sections()),
        references=works,
        authors=draw(_people),
        reviewers=draw(_people),
        topics=tuple(draw(st.lists(st.builds(Topic, words, _slugs), max_size=2, unique_by=lambda t: t.slug))),
        calls_to_action=tuple(draw(st.lists(st.builds(CallToAction, words, st.none() | _urls, _optional), max_size=2))),
        related=tuple(draw(st.lists(st.builds(RelatedLink, words, _urls), max_size=2))),
        image=draw(st.none() | images),
        published=draw(st.none() | _moments),
        modified=draw(st.none() | _moments),
        reviewed=draw(st.none() | st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1))),
        language=draw(st.sampled_from(("en", "de-CH", "ar", "zh-Hans"))),
        canonical=draw(st.none() | _urls),
        disclaimer=draw(_optional),
        licence=draw(_optional),
    )


@st.composite
def _cited(draw: st.DrawFn, number: int, work: CitedWork) -> CitedReference:
    if work.scheme != "pmid" or draw(st.booleans()):
        return CitedReference(number, work, draw(st.sampled_from(("pending", "unknown"))))
    states = draw(st.sets(st.sampled_from(get_args(EditorialState))))
    editorial = tuple(state for state in get_args(EditorialState) if state in states)
    reference = Reference(
        pmid=work.value,
        title=draw(words),
        translated=draw(st.booleans()),
        authors=tuple(draw(st.lists(st.builds(Author, words, _optional, _optional), max_size=2))),
        journal=draw(_optional),
        date=draw(st.none() | st.builds(PartialDate, st.integers(1800, 2100))),
        doi=draw(st.none() | st.just("10.1000/x")),
        pmcid=draw(st.none() | st.just("PMC1")),
        editorial=editorial,
        notices=tuple(Notice(state, draw(_optional), draw(st.none() | st.just("123"))) for state in editorial),
    )
    return CitedReference(number, work, "resolved", reference)


@st.composite
def revisions(draw: st.DrawFn) -> Revision:
    """A revision of such an article, its references in any state."""
    article = draw(articles())
    published = draw(_moments)
    return Revision(
        article=article,
        number=draw(st.integers(1, 999)),
        published=published,
        updated=published + dt.timedelta(seconds=draw(st.integers(0, 10_000_000))),
        references=tuple(draw(_cited(number, work)) for number, work in enumerate(article.references, 1)),
    )
