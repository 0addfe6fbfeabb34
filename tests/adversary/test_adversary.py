"""A short attack on a whole system on each database. `make adversary` makes long ones, and measures them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from adversary.canaries import Canary, Search
from adversary.run import Pace, begun, play
from adversary.schedule import ATTACKS, CONDUCTS, PLACES, Place, Slice, slice_of

SHORT = Pace(rounds=1, quiet=0.5, attacked=4.0, fewest=1, warm=0.5)


@pytest.mark.parametrize("place", PLACES)
def test_an_attacked_system_loses_nothing_leaks_nothing_and_answers_in_types(
    place: Place, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adversary.run.WITHIN", 300.0)  # on a machine that does much else
    server = sa.make_url(request.getfixturevalue("postgresql")) if place == "postgresql" else None
    with begun(1, place, server) as (site, honest):
        played = play(site, honest, Slice(1, place, ATTACKS, CONDUCTS), SHORT)
        assert not played.wrong, "\n".join([*played.wrong, site.running.tail()])
        assert played.figures["clients"]["requests"] and played.figures["partners"]
        # The search finds what is there.
        search = Search((Canary("a title", "article-00"),))
        found = set(site.leaks(search))
    places = {what.rpartition(" ")[2] for what in found}
    assert {"heard-by-partner", "up.log", "row:articles.id", "answers-to-ours"} <= places


def test_a_canary_is_found_packed_and_as_base64() -> None:
    canary = Canary("the secret", "whsec_YSBzZWNyZXQgb2YgYXQgbGVhc3QgMjQgYnl0ZXM=", ("here/*",))

    def found(data: bytes, place: str = "log") -> Iterator[str]:
        return Search((canary,)).at(place, data)

    assert [*found(b"key: YSBzZWNyZXQgb2YgYXQgbGVhc3QgMjQgYnl0ZXM=.")]
    assert [*found(b"a secret of at least 24 bytes")]
    assert not [*found(b"a secret of at least 24 bytes", "here/it is")]
    assert not [*found(b"nothing")]


def test_a_seed_gives_the_same_slice_and_every_attack_comes_up() -> None:
    assert slice_of(1, "sqlite") == slice_of(1, "sqlite") != slice_of(2, "sqlite")
    slices = [slice_of(seed, "postgresql") for seed in range(50)]
    assert {attack for one in slices for attack in one.attacks} == set(ATTACKS)
    assert {conduct for one in slices for conduct in one.conducts} == set(CONDUCTS)
