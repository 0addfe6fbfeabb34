"""Files under names in the rendition store: in a folder, and in an object store."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import stat
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from pipeline.errors import TransientError
from pipeline.model.rendition import digest_of
from pipeline.store import FileState, RenditionStore
from pipeline.store import folder as store_folder

AT = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
NAME = "public/feeds/latest.atom"
DIGEST = digest_of(b"bytes")


@pytest.fixture(params=["folder", "objects"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> RenditionStore:
    return RenditionStore.at(tmp_path) if request.param == "folder" else RenditionStore(MemoryStore())


def test_a_file_is_there_as_it_was_written_until_it_is_removed(store: RenditionStore) -> None:
    assert store.get_file(NAME) is None and store.file_state(NAME) is None
    store.put_file(NAME, b"old", AT)
    store.put_file(NAME, b"newer", AT)
    got = store.get_file(NAME)
    assert got is not None and got[0] == b"newer"
    assert got[1] == store.file_state(NAME)
    assert got[1].size == 5
    store.remove_file(NAME)
    store.remove_file(NAME)
    assert store.get_file(NAME) is None


def test_what_is_dropped_is_gone(store: RenditionStore) -> None:
    store.put(DIGEST, b"bytes")
    assert store.drop(DIGEST)
    assert not store.drop(DIGEST) and not store.drop(digest_of(b"others"))
    assert store.get(DIGEST) is None


def test_what_is_wanted_or_was_just_stored_is_not_dropped(store: RenditionStore) -> None:
    store.put(DIGEST, b"bytes")
    assert not store.drop(DIGEST, wanted=lambda: True)
    assert not store.drop(DIGEST, before=dt.datetime.now(dt.UTC) - dt.timedelta(days=1))
    assert store.get(DIGEST) == b"bytes"


def test_nothing_is_dropped_from_a_folder_while_somebody_writes_there(tmp_path: Path) -> None:
    store = RenditionStore.at(tmp_path)
    store.put(DIGEST, b"bytes")
    with store_folder.locked(tmp_path / "sha256" / DIGEST[7:9] / store_folder.LOCK, shared=True):
        assert not store.drop(DIGEST)
    assert store.get(DIGEST) == b"bytes"


def test_a_file_is_not_removed_by_who_may_no_longer(store: RenditionStore) -> None:
    def refuse() -> None:
        raise TransientError("lost", code="feed-lease-lost")

    store.put_file(NAME, b"bytes", AT)
    with pytest.raises(TransientError, match="lost"):
        store.remove_file(NAME, check=refuse)
    assert store.get_file(NAME) is not None


def test_a_folder_keeps_the_time_lets_others_read_and_holds_no_halves(tmp_path: Path) -> None:
    store = RenditionStore.at(tmp_path)
    store.put_file(NAME, b"bytes", AT)
    assert store.file_state(NAME) == FileState(5, AT)
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o644
    assert [path.name for path in (tmp_path / NAME).parent.iterdir()] == ["latest.atom"]


def test_a_rendition_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    store = RenditionStore.at(tmp_path)
    store.put(DIGEST, b"bytes")
    store.put(DIGEST, b"bytes")  # of two processes, both may write it
    part = tmp_path / "sha256" / DIGEST[7:9]
    whole = {DIGEST[9:] + ".zst", store_folder.LOCK}
    assert {file.name for file in part.iterdir()} == whole
    assert stat.S_IMODE((part / f"{DIGEST[9:]}.zst").stat().st_mode) == 0o666 & ~_umask()
    shutil.rmtree(part)
    part.mkdir()
    (part / f"{DIGEST[9:]}.zst").mkdir()  # which no file can replace
    with pytest.raises(TransientError) as failed:
        store.put(DIGEST, b"bytes")
    assert failed.value.code == "store-unreachable"
    assert {file.name for file in part.iterdir()} == whole


def _umask() -> int:
    os.umask(before := os.umask(0))
    return before


def test_a_name_below_a_file_is_no_file(tmp_path: Path) -> None:
    store = RenditionStore.at(tmp_path)
    store.put_file(NAME, b"bytes", AT)
    assert store.file_state(f"{NAME}/archive/1.atom") is None
    assert store.get_file(f"{NAME}/archive/1.atom") is None


def test_a_folder_that_somebody_has_emptied_takes_renditions_again(tmp_path: Path) -> None:
    store = RenditionStore.at(tmp_path / "store")
    shutil.rmtree(tmp_path / "store")
    store.put(DIGEST, b"bytes")
    assert store.get(DIGEST) == b"bytes"
    assert stat.S_IMODE((tmp_path / "store" / "sha256").stat().st_mode) & 0o007 == 0
