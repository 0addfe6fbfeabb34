"""Every kind of place that can be read back is read back and repaired, on real servers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

import pytest
from made_keys import pem_of, rsa_key
from place_servers import Servers, Spot
from places_world import World
from served_world import servers, world

from pipeline.channels.amp_cache import CHANNEL as AMP
from pipeline.channels.amp_cache import PUBLIC_KEY
from pipeline.channels.shared.settings import read_settings
from pipeline.channels.webhook.signing import new_secret
from pipeline.ledger import articles
from pipeline.ledger.articles import renditions
from pipeline.stages.acts import Act
from standins.amp_cache import AmpCache
from standins.endpoint import Call, Endpoint, Reply
from workers.reconciling import Reconciled, reconcile

__all__ = ["servers", "world"]  # fixtures

STORE, SFTP = Spot("object-store", "0"), Spot("sftp", "0")
FILES = pytest.mark.parametrize("spot", [Spot("directory", "0"), STORE, SFTP], ids=lambda spot: spot.type)


def read(world: World, *, mends: bool = False) -> Reconciled:
    act = Act("op_mend", "an operator", world.bench.clock())
    (place,) = reconcile(world.bench.context, [], mends=act if mends else None)
    assert place.readable and place.error is None
    return place


def kinds(place: Reconciled) -> dict[str, str]:
    return {one.name: one.kind for one in place.drift}


# --- object stores and SFTP servers, as folders


@pytest.fixture
def spoilt(world: World, servers: Servers, spot: Spot) -> Callable[[], None]:
    """Yield two live articles, one with a second revision, and a withdrawn one, after the function has damaged them."""
    world.take_up(servers.table("archive", spot, "json-ld"))
    world.publish("a", "b", "c", "d")
    world.work()
    names = ["b.json-ld", "manifest/b.json-ld.json", "d.json-ld", "manifest/d.json-ld.json"]
    before = {name: servers.file(spot, name) for name in names}
    strange = (before["manifest/b.json-ld.json"] or b"").replace(b'"article":"b"', b'"article":"e"')
    world.publish("b", text="Move.")
    world.bench.withdraw("d")
    world.work()
    assert not read(world).drift

    def spoil() -> None:
        servers.put(spot, "a.json-ld", None)
        for name, body in before.items():
            servers.put(spot, name, body)
        servers.put(spot, "c.json-ld", b"changed by hand")
        servers.put(spot, "e.json-ld", b"who put this here?")
        servers.put(spot, "manifest/e.json-ld.json", strange)

    return spoil


@FILES
def test_what_is_missing_older_changed_or_back_is_found_and_mended(
    world: World, servers: Servers, spot: Spot, spoilt: Callable[[], None]
) -> None:
    spoilt()
    found = {"a": "missing", "b": "older", "c": "unknown", "d": "withdrawn", "e.json-ld": "unknown"}
    assert kinds(read(world)) == found
    mended = read(world, mends=True)
    assert (mended.mended, kinds(mended)) == (4, {"e.json-ld": "unknown"})
    there = servers.everything(spot)
    assert all(b"Rest." in there[f"{name}.json-ld"] for name in "ac")
    assert b"Move." in there["b.json-ld"] and b"Rest." not in there["d.json-ld"]
    servers.put(spot, "e.json-ld", None)
    assert not read(world).drift


@FILES
def test_a_withdrawn_article_that_is_there_in_another_format_is_named(
    world: World, servers: Servers, spot: Spot, spoilt: Callable[[], None]
) -> None:
    """A file that was added by hand is reported and left alone."""
    other = (servers.file(spot, "manifest/b.json-ld.json") or b"").replace(b'"article":"b"', b'"article":"d"')
    servers.put(spot, "d.md", b"# What was withdrawn")
    servers.put(spot, "manifest/d.md.json", other)
    assert kinds(read(world)) == {"d.md": "withdrawn"}
    assert kinds(read(world, mends=True)) == {"d.md": "withdrawn"}


# --- Apple News


def test_apple_news_is_read_back_and_mended(world: World, servers: Servers) -> None:
    account = servers.accounts[0]
    world.take_up(servers.table("apple", Spot("apple-news", "0"), "apple-news"))
    world.publish("a", "b", "c", "d")
    world.work()
    back = copy.copy(account.find("d"))
    world.bench.withdraw("d")
    world.work()
    assert not read(world).drift and account.find("d") is None and back is not None
    lost, edited = account.find("a"), account.find("b")
    assert lost is not None and edited is not None
    del account.articles[lost.id]
    edited.body, edited.changes = b"what an editor made of it", edited.changes + 1
    account.articles[back.id] = back
    assert kinds(read(world)) == {"a": "missing", "b": "unknown", "d": "withdrawn"}
    mended = read(world, mends=True)
    assert (mended.mended, kinds(mended)) == (3, {})
    world.bench.clock.pass_(4 * 3600)  # a 404 counts as gone when it comes again
    world.work()
    shown = [account.find(name) for name in "abc"]
    assert all(one is not None and b"Rest." in one.body for one in shown) and account.find("d") is None


# --- a partner with a proof_url


class Partner:
    """Shows at /news/ID what it was sent, unless it forgets."""

    def __init__(self) -> None:
        self.shown: dict[str, bytes] = {}

    def __call__(self, call: Call) -> Reply:
        if call.method == "GET":
            return Reply(200 if call.path.rpartition("/")[2] in self.shown else 404)
        name = call.headers["citewire-article"]
        self.shown.pop(name, None)
        if call.headers["citewire-event"] != "withdrawn":
            self.shown[name] = call.body
        return Reply(204)


def test_what_a_partner_lost_or_still_shows_is_seen_at_its_proof_url_and_mended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTNER", new_secret())
    partner = Partner()
    with Endpoint(partner) as end:
        own = f'url = "{end.url}/in"\nproof_url = "{end.url}/news/{{article}}"\nsecret = "env:PARTNER"\n'
        world.take_up(f'[[channels]]\nid = "partner"\ntype = "webhook"\nformat = "ninjs"\n{own}')
        world.publish("a", "b", "d")
        world.work()
        back = partner.shown["d"]
        world.bench.withdraw("d")
        world.work()
        assert set(partner.shown) == {"a", "b"} and not read(world).drift
        del partner.shown["a"]
        partner.shown["d"] = back
        assert kinds(read(world)) == {"a": "missing", "d": "withdrawn"}
        mended = read(world, mends=True)
        assert (mended.mended, kinds(mended)) == (2, {})
        assert set(partner.shown) == {"a", "b"}


# --- an AMP cache


def test_an_amp_cache_that_shows_an_older_or_a_withdrawn_article_is_flushed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMP_KEY", pem_of(rsa_key()))
    assert AMP.well_known is not None
    key = AMP.well_known(read_settings(AMP, {"key": "env:AMP_KEY"}, prefix="channels.x"))[PUBLIC_KEY]()

    def site(address: str) -> Reply:
        if address.endswith(PUBLIC_KEY):
            return Reply(200, key.body, key.media_type)
        return _amp_page(world, address.rpartition("/")[2].removesuffix(".amp"))

    cache = AmpCache(site, {"notes.example.org": "notes"}, clock=lambda: world.bench.clock().timestamp())
    with cache.serve() as end:
        caches = f'caches = [{{ id = "stand-in", address = "{end.url}/notes" }}]'
        world.take_up(f'[[channels]]\nid = "amp"\ntype = "amp-cache"\nkey = "env:AMP_KEY"\n{caches}\n')
        world.publish("a", "b", "d")
        world.work()
        before: Mapping[str, Reply] = dict(cache.copies)
        assert len(before) == 3
        world.bench.clock.pass_(60)
        world.publish("b", text="Move.")
        world.bench.withdraw("d")
        world.work()
        assert not read(world).drift
        cache.copies |= before
        assert kinds(read(world)) == {"b": "older", "d": "withdrawn"}
        mended = read(world, mends=True)
        assert (mended.mended, kinds(mended)) == (2, {})
        shown = {address.rpartition("/")[2]: reply.body for address, reply in cache.copies.items()}
        assert b"Move." in shown["b.amp"] and "d.amp" not in shown


def _amp_page(world: World, article_id: str) -> Reply:
    with world.ledger.read() as transaction:
        state = articles.get(transaction, article_id)
        if state is None or state.state != "live" or state.rendered is None:
            return Reply(410)
        stored = renditions.one(transaction, article_id, state.rendered, "amp")
    assert stored is not None
    return Reply(200, world.bench.context.store.get(stored.digest) or b"", "text/html")
