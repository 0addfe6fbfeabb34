"""How renditions lie in the store: compressed, readable from before, and never believed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from pathlib import Path

import obstore
import pytest
from backports import zstd
from bench import WithoutFeeds, article
from channels import object_stores
from hypothesis import given
from hypothesis import strategies as st
from obstore.store import LocalStore, ObjectStore
from structlog.testing import capture_logs

from pipeline.ledger import Ledger
from pipeline.ledger.articles import renditions
from pipeline.model.rendition import digest_of
from pipeline.store import RenditionStore
from pipeline.store.frames import MAX_BYTES, Damaged, packed, unpacked

BODY = b"Rest, and ask your doctor. " * 400
DIGEST = digest_of(BODY)
PATH = f"sha256/{DIGEST[7:9]}/{DIGEST[9:]}"


@pytest.fixture(params=["folder", "s3"])
def under(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """Where the store keeps things."""
    if request.param == "folder":
        return LocalStore(tmp_path, mkdir=True)
    return object_stores.s3(tmp_path, monkeypatch).store


@pytest.fixture
def store(under: ObjectStore) -> RenditionStore:
    return RenditionStore(under)


@given(st.binary(max_size=2_000), st.integers(1, 300))
def test_what_is_packed_comes_out_the_same(body: bytes, times: int) -> None:
    body *= times
    assert unpacked(packed(body), digest_of(body), len(body)) == body


def test_renditions_lie_compressed_under_the_digest_of_their_plain_bytes(
    under: ObjectStore, store: RenditionStore
) -> None:
    store.put(DIGEST, BODY)
    assert [one["path"] for some in obstore.list(under) for one in some] == [f"{PATH}.zst"]
    assert obstore.head(under, f"{PATH}.zst")["size"] < len(BODY) / 20
    assert store.get(DIGEST) == BODY == store.get(DIGEST, len(BODY))


def test_what_a_former_release_stored_is_read_listed_and_dropped(under: ObjectStore, store: RenditionStore) -> None:
    obstore.put(under, PATH, BODY)
    assert store.get(DIGEST, len(BODY)) == BODY
    store.put(DIGEST, BODY)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    assert store.digests(int(DIGEST[7:9], 16), later) == [DIGEST], "in both forms, and named once"
    store.drop(DIGEST)
    assert not [one for some in obstore.list(under) for one in some]


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"\x28\xb5\x2f\xfd",
        packed(BODY)[:-9],
        packed(b"another text, that a reader would have believed"),
        BODY,  # plain where a frame belongs
        zstd.compress(BODY + b"!"),
        zstd.compress(BODY[:-1]),
    ],
    ids=["empty", "magic alone", "truncated", "another's", "plain", "longer", "shorter"],
)
def test_damaged_bytes_are_named_in_the_log_and_never_returned(
    form: bytes, under: ObjectStore, store: RenditionStore
) -> None:
    obstore.put(under, f"{PATH}.zst", form)
    with capture_logs() as logged:
        assert store.get(DIGEST) is None
    (line,) = logged
    assert (line["event"], line["log_level"], line["digest"]) == ("a stored rendition is damaged", "error", DIGEST)
    store.put(DIGEST, BODY)
    assert store.get(DIGEST) == BODY


def test_damaged_bytes_of_a_former_release_are_not_returned(under: ObjectStore, store: RenditionStore) -> None:
    obstore.put(under, PATH, BODY[:-1])
    assert store.get(DIGEST) is None


def _stating(length: int, frame: bytes) -> bytes:
    """Return a frame of one segment with another length in its header than it has."""
    assert frame[4] & 0xE0 == 0xA0, "one segment, with a length in four bytes"
    return frame[:5] + length.to_bytes(4, "little") + frame[9:]


@functools.cache
def _bomb() -> bytes:
    level = {zstd.CompressionParameter.compression_level: 19, zstd.CompressionParameter.window_log: 25}
    return zstd.compress(bytes(20_000_000), options=level)


def test_a_bomb_is_not_unpacked_beyond_the_length_that_is_known() -> None:
    with pytest.raises(Damaged, match="20000000 bytes, and 1000 are expected"):
        unpacked(_bomb(), digest_of(b""), 1_000)


def test_a_bomb_that_states_a_small_length_gives_no_more_than_that(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    monkeypatch.setattr("pipeline.store.frames.digest_of", lambda body: read.append(len(body)) or "")
    with pytest.raises(Damaged):
        unpacked(_stating(1_000, _bomb()), DIGEST)
    assert sum(read) <= 1_000


def test_a_frame_that_states_no_length_or_too_large_a_one_is_not_unpacked() -> None:
    endless = zstd.ZstdCompressor()
    body = endless.compress(BODY) + endless.flush()
    for frame in (body, _stating(MAX_BYTES + 1, _bomb())):
        with pytest.raises(Damaged, match="states a length"):
            unpacked(frame, DIGEST)


@pytest.mark.parametrize("damage", [lambda frame: frame[:-4], lambda _: packed(b"wrong"), lambda _: b""])
def test_a_partner_gets_the_right_bytes_though_the_stored_ones_are_damaged(
    damage: object, ledger: Ledger, tmp_path: Path
) -> None:
    bench = WithoutFeeds(ledger)
    store = RenditionStore.at(tmp_path)
    bench.context = dataclasses.replace(bench.context, store=store)
    bench.partner.mood = "down"
    bench.publish(article())
    bench.work()
    with ledger.read() as transaction:
        (stored,) = renditions.of_revision(transaction, "spasms", 1)
    path = tmp_path / "sha256" / stored.digest[7:9] / f"{stored.digest[9:]}.zst"
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    bench.partner.mood = "well"
    bench.work_for(60)
    assert bench.partner.last("spasms").rendition.digest == stored.digest
    assert store.get(stored.digest) is not None, "made again"
    assert list(path.parent.glob("*.zst")) == [path]
