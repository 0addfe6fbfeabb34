"""The console and the API show the cited papers: their standing by source, what changed, who cites them, recalls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import sqlalchemy as sa
from bench import paper
from console_person import Person, text
from console_site import HOSTILE, MARKDOWN, console_site, retract
from served import Served

from pipeline.ledger import operations, tables
from pipeline.ledger.evidence.listing import Standing
from pipeline.ledger.operations import Part


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with console_site(tmp_path) as site:
        site.pubmed.papers |= {"3": paper("3", HOSTILE), "10": paper("10", "A trial of rest")}
        for name, pmid in (("first", "1"), ("second", "2"), ("third", "3"), ("tenth", "10"), ("unknown", "77")):
            site.publish(MARKDOWN.format(id=name, title=f"About {name}", topic="pain", pmid=pmid), name=name)
        site.work()
        site.clock.pass_(3600)
        yield site


def listed(site: Served, query: str = "") -> list[str]:
    return [one["id"] for one in site.ask("GET", f"/v1/references{query}").json["references"]]


def mark(site: Served, pmid: str, **values: object) -> None:
    with site.context.ledger.write() as transaction:
        transaction.execute(sa.update(tables.references).where(tables.references.c.pmid == pmid).values(**values))


def audited(site: Served) -> list[Part]:
    with site.context.ledger.read() as transaction:
        newest = operations.newest(transaction, limit=1)[0]
        return list(operations.parts_of(transaction, newest.id))


def rows(person: Person) -> list[list[str]]:
    return [[text(cell) for cell in row] for row in person.page.iterfind(".//tbody/tr")]


def test_pages_follow_each_other_by_pmid(site: Served) -> None:
    first = site.ask("GET", "/v1/references?limit=3").json
    assert [one["pmid"] for one in first["references"]] == ["1", "10", "2"]
    second = site.ask("GET", f"/v1/references?limit=3&after={first['next']}").json
    assert ([one["id"] for one in second["references"]], second["next"]) == (["pmid:3", "pmid:77"], None)


@pytest.mark.parametrize(
    ("standing", "values"),
    [
        ("retracted", {"editorial": "retracted"}),
        ("retracted", {"editorial": "erratum retracted-republished"}),
        ("concern", {"editorial": "concern erratum"}),
        ("corrected", {"editorial": "concern erratum"}),
        ("corrected", {"editorial": "corrected-republished", "state": "gone"}),
        ("not-found", {"state": "unknown"}),
        ("not-found", {"state": "gone"}),
        ("pending", {"state": "pending"}),
    ],
)
def test_each_filter_finds_what_it_names_and_nothing_else(
    site: Served, standing: str, values: dict[str, object]
) -> None:
    mark(site, "77", state="resolved", editorial="reinstated")
    assert listed(site, f"?standing={standing}") == []
    for pmid in ("10", "2"):
        mark(site, pmid, **values)
    assert listed(site, f"?standing={standing}&limit=1") == ["pmid:10"]
    assert listed(site, f"?standing={standing}&limit=1&after=10") == ["pmid:2"]
    site.withdraw("tenth")
    assert listed(site, f"?standing={standing}") == ["pmid:2"]


def test_a_paper_that_was_not_meant_is_found_with_the_article_that_cites_it(site: Served, person: Person) -> None:
    row = {"id": "second 1 doi:10.1/x", "article": "second", "number": 1, "work": "doi:10.1/x", "words": "Other."}
    more = {"differs": "title, author", "since": site.clock(), "suggested": "3", "due": None}
    known = {"work": "doi:10.1/x", "state": "resolved", "pmid": "2", "attempts": 0}
    with site.context.ledger.write() as transaction:
        transaction.execute(sa.insert(tables.mismatches).values(**row, **more))
        assert listed(site, "?standing=mismatched") == []
        transaction.execute(sa.insert(tables.identifiers).values(**known))
    assert listed(site, "?standing=mismatched") == ["pmid:2"]
    with site.context.ledger.write() as transaction:
        transaction.execute(sa.update(tables.mismatches).values(work="pmid:2"))
    assert listed(site, "?standing=mismatched") == ["pmid:2"]
    person.get("/console/references/2")
    assert rows(person)[-1] == ["second", "1", "title, author", "PMID 3", "now"]


def test_works_without_a_pmid_follow_the_others(site: Served, person: Person) -> None:
    for name, work in (("sixth", "10.5555/nowhere"), ("seventh", "10.5555/a-second")):
        site.publish(MARKDOWN.format(id=name, title=f"About {name}", topic="pain", pmid=work), name=name)
    site.work()
    site.clock.pass_(600)  # nothing more is waited for
    site.work()
    works = ["doi:10.5555/a-second", "doi:10.5555/nowhere"]
    first = site.ask("GET", "/v1/references?limit=4").json
    assert first["next"] == "3"
    second = site.ask("GET", "/v1/references?limit=2&after=3").json
    assert ([one["id"] for one in second["references"]], second["next"]) == (["pmid:77", works[0]], works[0])
    (last,) = site.ask("GET", f"/v1/references?limit=2&after={second['next']}").json["references"]
    assert (last["id"], last["pmid"], last["doi"], last["fetched"]) == (works[1], None, "10.5555/nowhere", None)
    assert last["articles"] == ["sixth"]
    person.get("/console/references")
    assert [row[0].rpartition("no PMID: ")[2] for row in rows(person) if "no PMID" in row[0]] == works
    assert not [link for link in person.links() if "10.5555" in link]
    site.withdraw("seventh")
    assert listed(site, "?after=77") == [works[1]]
    with site.context.ledger.write() as transaction:
        known = sa.update(tables.identifiers).where(tables.identifiers.c.work == works[1])
        transaction.execute(known.values(state="resolved", pmid="10"))
    assert listed(site, "?after=77") == []


@pytest.mark.parametrize(
    ("state", "standing"), [("pending", "pending"), ("unknown", "not-found"), ("gone", "not-found")]
)
def test_works_without_a_pmid_are_found_by_what_is_the_matter(site: Served, state: str, standing: str) -> None:
    site.publish(MARKDOWN.format(id="sixth", title="About sixth", topic="pain", pmid="10.5555/nowhere"), name="sixth")
    site.work()
    with site.context.ledger.write() as transaction:
        transaction.execute(sa.update(tables.identifiers).values(state=state))
        row = {"id": "sixth 1", "article": "sixth", "number": 1, "work": "doi:10.5555/nowhere", "words": "Other."}
        transaction.execute(sa.insert(tables.mismatches).values(**row, differs="title", since=site.clock()))
    found = {one: "doi:10.5555/nowhere" in listed(site, f"?standing={one}") for one in get_args(Standing)}
    assert {one for one, is_there in found.items() if is_there} == {standing, "mismatched"}


def test_a_work_of_an_update_under_an_embargo_names_no_article(site: Served) -> None:
    text = MARKDOWN.format(id="first", title="About first", topic="pain", pmid="10.5555/nowhere")
    site.publish(text.replace("---\nid", "---\nembargo: 2099-01-01T00:00:00Z\nid", 1), name="first")
    site.work()
    (work,) = [one for one in site.ask("GET", "/v1/references").json["references"] if one["doi"] == "10.5555/nowhere"]
    assert work["articles"] == []


def test_the_page_of_a_paper_says_what_each_source_says_and_when_it_is_asked_again(
    site: Served, person: Person
) -> None:
    retract(site, "1")
    mark(site, "2", due=None)
    person.get("/console/references")
    assert "retracted" in person.words and "What changed last" in person.words
    person.get("/console/references/1")
    assert person.heading == "PMID 1"
    assert [text(one) for one in person.page.iterfind(".//table[1]//tbody/tr/td")][:2] == ["retracted", "PMID 999"]
    assert [text(one) for one in person.page.iterfind(".//ul[@class='card']/li")] == ["first"]
    assert rows(person)[-1][1:] == ["unmarked", "retracted", "first"]
    found = site.ask("GET", "/v1/references/1").json
    assert [one["source"] for one in found["turns"]] == ["pubmed"]
    assert (found["changes"][0]["gained"], found["recalled"]) == (["retracted"], True)
    person.get("/console/references/2")
    assert "no time is set" in person.words and "recall" not in person.words


def test_a_source_that_does_not_answer_about_a_paper_is_not_said_to_be_well(site: Served, person: Person) -> None:
    mark(site, "2", error="pubmed-unavailable")
    person.get("/console/references/2")
    assert "no answer about this paper pubmed-unavailable" in person.words


def test_a_recall_is_shown_as_the_command_and_the_api_show_it(site: Served, person: Person) -> None:
    assert person.get("/console/references/1/recall").status == 404
    retract(site, "1")
    person.get("/console/references/1")
    person.get(next(one for one in person.links() if one.endswith("/recall")))
    certificate = site.ask("GET", "/v1/recalls/1").json["certificate"]
    assert person.heading == "Recall of PMID 1" and " ".join(certificate["citation"].split()) in person.words
    for one in certificate["unreached"]:
        assert one in person.words
    shown = [text(one) for one in person.page.iterfind(".//tbody/tr/th")]
    assert shown[0] == "this site"
    for place, row in zip(certificate["articles"][0]["places"], shown[1:], strict=True):
        assert row == f"{place['channel']}{place['location'] or ''}"


def test_a_paper_is_asked_about_again_once(site: Served, person: Person) -> None:
    before = len(site.pubmed.asked)
    site.clock.pass_(1)
    person.get("/console/references/2")
    person.submit("Ask again now")
    assert (person.heading, audited(site)[0].outcome) == ("PMID 2", "asked")
    site.clock.pass_(1)
    person.submit("Ask again now")
    assert (audited(site)[0].outcome, audited(site)[0].reason) == ("unchanged", "PMID 2: it is about to be asked about")
    site.work()
    assert sum("2" in one for one in site.pubmed.asked[before:]) == 1
    site.clock.pass_(1)
    answer = site.ask("POST", "/v1/references/2/recheck").json
    assert answer["asked"] is False and audited(site)[0].reason == "PMID 2: PubMed has just answered"
    site.clock.pass_(60)
    assert site.ask("POST", "/v1/references/2/recheck").json["asked"] is True


def test_one_that_waits_for_the_night_is_asked_about_now(site: Served) -> None:
    mark(site, "2", due=site.clock())
    assert site.ask("POST", "/v1/references/2/recheck").json["asked"] is True


def test_whoever_may_not_replay_may_not_ask(site: Served) -> None:
    publisher = Person(site.app)
    publisher.sign_in("cms")
    publisher.get("/console/references/2")
    assert publisher.buttons == ["Sign out"]
    assert site.ask("POST", "/v1/references/2/recheck", "cms").status == 403


def test_what_nobody_cited_is_not_there(site: Served, person: Person) -> None:
    for address in ("/v1/references/999", "/v1/references/999/recheck"):
        method = "POST" if address.endswith("recheck") else "GET"
        answer = site.ask(method, address)
        assert (answer.status, answer.code) == (404, "unknown-reference")
    assert person.get("/console/references/999").status == 404
    assert person.get("/console/references/nonsense").status == 422
    assert site.ask("GET", "/v1/references?standing=odd").status == 422


def test_a_pmid_leads_to_its_page_and_words_to_an_error_that_names_the_field(site: Served, person: Person) -> None:
    person.get("/console/references?pmid=+2+")
    assert person.heading == "PMID 2"
    person.get("/console/references?pmid=%3Cb%3E%E2%80%AE2")
    assert "is not a PMID: give its digits alone" in person.words
    assert person.page.find(".//input[@id='pmid']").get("aria-invalid") == "true"


def test_titles_from_elsewhere_are_only_text(site: Served, person: Person) -> None:
    person.get("/console/references/3")
    assert "<script>alert(1)</script>" in person.words and list(person.page.iter("script")) == []
