"""A source that is dead, throttled for hours or changed in shape: never clean, told after a day, and stops nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench import article
from empty_ledger import empty_ledger
from four_sources import DAY, NAMES, Mortal, Site, SourceName, World

from pipeline.ledger import attention as ledger_attention
from pipeline.model.policy import Gate
from pipeline.stages.attention import attention
from pipeline.stages.enrich import watch

TROUBLES = {
    "pubmed": ("down", "429", "not-xml"),
    "retraction_watch": ("down", "503", "other-columns"),
    "crossref": ("down", "503", "other-shape"),
    "europe_pmc": ("down", "503", "other-shape"),
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    opened = empty_ledger(tmp_path)
    opened.close()
    ledger = Mortal(opened.url.render_as_string(hide_password=False))
    yield Site(ledger, World(), "annotate", Gate())
    ledger.close()


def days(site: Site, count: int) -> None:
    for _ in range(count):
        site.clock.pass_(DAY + 1)
        watch.recheck(site.ledger, now=site.clock.now)
        for _ in range(7):
            site.work()
            site.clock.pass_(11)


def shown(site: Site, source: SourceName) -> tuple[tuple[str, ...], dt.datetime | None, dt.datetime | None]:
    (one,) = [each for _, each in site.said() if each.source == source]
    return one.says, one.asked, one.failing


def told(site: Site) -> set[str]:
    with site.ledger.read() as transaction:
        facts = ledger_attention.facts(transaction, [], now=site.clock.now)
    return {one.key for one in attention(facts)}


@pytest.mark.parametrize(("source", "trouble"), [(name, trouble) for name in NAMES for trouble in TROUBLES[name]])
def test_a_source_in_trouble_is_never_clean_and_stops_nothing(site: Site, source: SourceName, trouble: str) -> None:
    site.world.truth.turn(source, "1", "retracted", site.clock.now)
    site.world.show()
    site.publish(article(pmids=["1"]))
    days(site, 1)
    says, asked, _ = shown(site, source)
    assert says == ("retracted",)
    assert asked is not None

    other = "crossref" if source == "europe_pmc" else "europe_pmc"
    site.world.misbehave(source, trouble)
    site.world.truth.turn(source, "1", None, site.clock.now)  # nobody can know that it said so
    site.world.truth.turn(other, "1", "concern", site.clock.now)
    site.world.show()
    days(site, 3)
    says, as_of, failing = shown(site, source)
    assert (says, as_of) == (("retracted",), asked)
    assert failing is not None
    assert site.status()["references"][0]["editorial"] == ["retracted", "concern"]
    assert told(site) & {f"source-stale:{source}", f"source-silent:{source}", f"source-refuses:{source}"}

    site.world.misbehave(source)
    site.clock.pass_(DAY)
    days(site, 1)
    says, as_of, failing = shown(site, source)
    assert (says, failing) == ((), None)
    assert as_of is not None
    assert as_of > asked
    assert told(site) == set()
