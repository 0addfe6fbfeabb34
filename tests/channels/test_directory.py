"""The `directory` channel where the contract of all channels does not reach."""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import multiprocessing
import os
import random
import resource
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from channel_harness import parcel

from pipeline.channels.directory import CHANNEL, Directory, DirectorySettings
from pipeline.channels.shared.folder import Folder, failure_of
from pipeline.errors import ConfigError, PermanentError, TransientError
from pipeline.model.delivery import Parcel
from pipeline.model.moment import rfc3339
from pipeline.model.rendition import Rendition

NAME = "what-is-spasticity.amp"


@pytest.fixture
def channel(tmp_path: Path) -> Directory:
    return Directory(DirectorySettings(path=tmp_path / "out"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_the_manifest_says_what_the_file_is(channel: Directory, out: Path) -> None:
    one = parcel(3)
    channel.deliver(one)
    body = (out / NAME).read_bytes()
    assert body == one.rendition.body
    assert json.loads((out / "manifest" / f"{NAME}.json").read_bytes()) == {
        "article": "what-is-spasticity",
        "revision": 3,
        "event": "updated",
        "message_id": "msg-what-is-spasticity-3",
        "digest": f"sha256:{hashlib.sha256(body).hexdigest()}",
        "bytes": len(body),
        "format": "amp",
        "media_type": "text/html",
        "title": "What is spasticity?",
        "at": rfc3339(one.at),
    }


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
def test_an_older_revision_never_overwrites_a_newer_one(channel: Directory, out: Path, order: tuple[int, ...]) -> None:
    for revision in order:
        channel.deliver(parcel(revision))
    assert (out / NAME).read_bytes() == parcel(3).rendition.body


def test_who_brings_an_older_revision_is_told_of_the_newer(channel: Directory) -> None:
    channel.deliver(parcel(2))
    assert channel.deliver(parcel(1)).detail == "the newer revision 2 is there"


def test_a_late_update_does_not_bring_a_withdrawn_article_back(channel: Directory, out: Path) -> None:
    channel.deliver(parcel(3, "withdrawn", body=b"taken back"))
    channel.deliver(parcel(2))
    assert (out / NAME).read_bytes() == b"taken back"


def _deliver_all(out: Path, revisions: list[int]) -> None:
    channel = Directory(DirectorySettings(path=out))
    for revision in revisions:
        channel.deliver(parcel(revision))


@pytest.mark.timeout(300)
def test_racing_processes_end_with_the_newest_and_no_reader_sees_half_a_file_or_goes_back(out: Path) -> None:
    revisions = list(range(1, 41))
    newest_seen, torn, over = [0], [], threading.Event()
    by_body = {parcel(n).rendition.body: n for n in revisions}

    def read() -> None:
        while not over.is_set():
            if (out / NAME).exists():
                revision = by_body.get((out / NAME).read_bytes())
                if revision is None or revision < newest_seen[0]:
                    torn.append((revision, newest_seen[0]))
                newest_seen[0] = revision or newest_seen[0]

    reader = threading.Thread(target=read)
    reader.start()
    context = multiprocessing.get_context("fork")
    shuffled = [random.Random(seed).sample(revisions, len(revisions)) for seed in range(3)]
    processes = [context.Process(target=_deliver_all, args=(out, order)) for order in shuffled]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    over.set()
    reader.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert torn == []
    assert (out / NAME).read_bytes() == parcel(40).rendition.body


def test_nothing_is_left_beside_files_and_manifests(channel: Directory, out: Path) -> None:
    (out / "manifest").mkdir(parents=True)
    (out / f".{NAME}.tmp").write_bytes(b"left by a killed process")
    channel.deliver(parcel(1))
    channel.check()
    assert sorted(one.name for one in out.iterdir()) == ["manifest", NAME]
    manifests = sorted(one.name for one in (out / "manifest").iterdir())
    assert manifests[0].startswith(".lock-")
    assert manifests[1:] == [f"{NAME}.json"]


def test_looking_for_the_mark_writes_nothing(channel: Directory, out: Path) -> None:
    assert channel.mark() is None
    assert not out.exists()
    out.mkdir()
    assert channel.mark() is None
    assert list(out.iterdir()) == []
    channel.set_mark("a")
    assert channel.mark() == "a"


def test_a_repeat_writes_nothing(channel: Directory, out: Path) -> None:
    channel.deliver(parcel(1))
    before = (out / NAME).stat()
    assert channel.deliver(parcel(1)).detail == "revision 1 was already there"
    after = (out / NAME).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b'{"revision": "many"}', b"[]", b"null"])
def test_a_manifest_that_cannot_be_read_is_written_anew(channel: Directory, out: Path, damage: bytes) -> None:
    channel.deliver(parcel(1))
    (out / "manifest" / f"{NAME}.json").write_bytes(damage)
    channel.deliver(parcel(1))
    assert json.loads((out / "manifest" / f"{NAME}.json").read_bytes())["revision"] == 1


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_a_file_that_was_tampered_with_is_mended_by_a_repeat(channel: Directory, out: Path, damage: str) -> None:
    channel.deliver(parcel(1))
    (out / NAME).unlink() if damage == "missing" else (out / NAME).write_bytes(b"ours now")
    channel.deliver(parcel(1))
    assert (out / NAME).read_bytes() == parcel(1).rendition.body


def test_a_link_where_the_file_should_be_is_replaced_and_its_target_left_alone(
    channel: Directory, out: Path, tmp_path: Path
) -> None:
    treasure = tmp_path / "treasure"
    treasure.write_bytes(b"precious")
    (out / "manifest").mkdir(parents=True)
    for link in (out / NAME, out / f".{NAME}.tmp", out / "manifest" / f"{NAME}.json"):
        link.symlink_to(treasure)
    channel.deliver(parcel(1))
    assert treasure.read_bytes() == b"precious"
    assert not (out / NAME).is_symlink()
    assert (out / NAME).read_bytes() == parcel(1).rendition.body


def test_a_link_where_the_manifests_should_be_is_refused(channel: Directory, out: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    out.mkdir()
    (out / "manifest").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermanentError) as raised:
        channel.deliver(parcel(1))
    assert raised.value.code == "folder-refused"
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.timeout(300)
def test_a_pipe_in_the_way_is_not_waited_for(channel: Directory, out: Path) -> None:
    (out / "manifest").mkdir(parents=True)
    os.mkfifo(out / "manifest" / f"{NAME}.json")
    os.mkfifo(out / NAME)
    channel.deliver(parcel(1))
    assert (out / NAME).read_bytes() == parcel(1).rendition.body


@pytest.mark.parametrize("article", ["..", "../x", "/etc/passwd", "a/b", ".hidden", "a.b", "A", "a\x00", "", "a-", "é"])
def test_an_id_that_could_lead_elsewhere_is_refused(channel: Directory, out: Path, article: str) -> None:
    with pytest.raises(PermanentError) as raised:
        channel.deliver(parcel(1, article=article))
    assert raised.value.code == "unsafe-name"
    assert not out.exists()


@pytest.mark.parametrize("extension", ["", "..", "a/b", "../../x", ".amp", "a.b"])
def test_an_extension_that_could_lead_elsewhere_is_refused(channel: Directory, extension: str) -> None:
    one = parcel(1)
    odd = replace(one, extension=extension)
    with pytest.raises(PermanentError) as raised:
        channel.deliver(odd)
    assert raised.value.code == "unsafe-name"


def test_formats_beside_each_other_keep_their_own_manifests(channel: Directory, out: Path) -> None:
    one = parcel(1)
    other = Parcel(
        **{**one.__dict__, "extension": "rss", "rendition": Rendition("rss", "application/rss+xml", b"<r/>")}
    )
    for each in (one, other):
        channel.deliver(each)
    assert sorted(file.name for file in (out / "manifest").glob("*.json")) == [
        f"{NAME}.json",
        "what-is-spasticity.rss.json",
    ]


def in_format(one: Parcel, name: str, *, remote_id: str | None = None) -> Parcel:
    return replace(one, extension=name, rendition=replace(one.rendition, format=name), remote_id=remote_id)


def test_after_a_change_of_format_the_file_of_the_old_one_goes(channel: Directory, out: Path) -> None:
    first = channel.deliver(in_format(parcel(1), "rss"))
    receipt = channel.deliver(replace(parcel(2), remote_id=first.remote_id))
    assert "removed what-is-spasticity.rss" in receipt.detail
    assert receipt.remote_id == NAME
    assert sorted(one.name for one in out.iterdir()) == ["manifest", NAME]
    assert [one.name for one in (out / "manifest").glob("*.json")] == [f"{NAME}.json"]


def test_an_old_formats_file_that_a_kill_left_behind_goes_when_the_revision_comes_again(
    channel: Directory, out: Path
) -> None:
    channel.deliver(in_format(parcel(1), "rss"))
    channel.deliver(parcel(2))
    assert (out / "what-is-spasticity.rss").exists()
    channel.deliver(replace(parcel(2), remote_id="what-is-spasticity.rss"))
    assert not (out / "what-is-spasticity.rss").exists()


def test_a_newer_file_of_another_channel_in_the_old_format_stays(channel: Directory, out: Path) -> None:
    channel.deliver(in_format(parcel(9), "rss"))
    channel.deliver(replace(parcel(2), remote_id="what-is-spasticity.rss"))
    assert (out / "what-is-spasticity.rss").exists()


@pytest.mark.parametrize("remote_id", ["../x.rss", "other-article.rss", "what-is-spasticity", "what-is-spasticity.a/b"])
def test_a_remote_id_that_is_no_name_of_the_article_takes_nothing_away(
    channel: Directory, out: Path, remote_id: str
) -> None:
    channel.deliver(parcel(1, article="other-article"))
    channel.deliver(replace(parcel(1), remote_id=remote_id))
    assert (out / "other-article.amp").exists()


def test_a_withdrawn_article_shows_under_its_old_format_too(channel: Directory, out: Path) -> None:
    channel.deliver(in_format(parcel(1), "rss"))
    withdrawal = replace(parcel(2, "withdrawn", body=b"gone"), remote_id="what-is-spasticity.rss")
    assert channel.shows(withdrawal) == f"{out}: what-is-spasticity.rss contains revision 1 instead of the withdrawal"
    channel.deliver(withdrawal)
    assert channel.shows(withdrawal) is None


def test_a_file_that_somebody_put_back_is_shown(channel: Directory, out: Path) -> None:
    channel.deliver(parcel(1))
    withdrawal = parcel(2, "withdrawn", body=b"gone")
    channel.deliver(withdrawal)
    (out / NAME).write_bytes(parcel(1).rendition.body)
    assert channel.shows(withdrawal) == f"{out}: {NAME} contains other content instead of the withdrawal"


def test_what_was_published_after_a_withdrawal_is_not_shown(channel: Directory) -> None:
    channel.deliver(parcel(3))
    assert channel.shows(parcel(2, "withdrawn", body=b"gone")) is None


def test_a_full_disk_fails_for_now_and_leaves_the_old_revision(channel: Directory, out: Path) -> None:
    channel.deliver(parcel(1))
    assert _delivered_with_small_files(out, parcel(2)) == "folder-unavailable"
    assert (out / NAME).read_bytes() == parcel(1).rendition.body
    assert not list(out.glob(".*.tmp"))
    channel.deliver(parcel(2))
    assert (out / NAME).read_bytes() == parcel(2).rendition.body


def _delivered_with_small_files(out: Path, one: Parcel) -> str:
    """Return the code of the failure in a child that may write at most 10,000 bytes to a file."""

    def child(answer: multiprocessing.SimpleQueue[str]) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        try:
            Directory(DirectorySettings(path=out)).deliver(one)
            answer.put("delivered")
        except TransientError as error:
            answer.put(error.code)

    context = multiprocessing.get_context("fork")
    answer = context.SimpleQueue()
    process = context.Process(target=child, args=(answer,))
    process.start()
    process.join()
    return str(answer.get())


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [
        (errno.ENOSPC, TransientError, "disk-full"),
        (errno.EDQUOT, TransientError, "disk-full"),
        (errno.EIO, TransientError, "folder-unavailable"),
        (errno.ESTALE, TransientError, "folder-unavailable"),
        (errno.ENOENT, TransientError, "folder-unavailable"),
        (errno.EACCES, PermanentError, "folder-refused"),
        (errno.EROFS, PermanentError, "folder-refused"),
        (errno.ELOOP, PermanentError, "folder-refused"),
    ],
)
def test_the_systems_error_tells_who_must_act(number: int, kind: type[Exception], code: str) -> None:
    error = failure_of(OSError(number, os.strerror(number)), Path("/out"))
    assert (type(error), error.code) == (kind, code)
    assert os.strerror(number) in str(error)


def test_a_held_lock_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.channels.shared.folder._LOCK_WAIT", 0.02)
    with (
        Folder.opened(tmp_path) as one,
        Folder.opened(tmp_path) as other,
        one.locked("lock"),
        pytest.raises(TimeoutError),
        other.locked("lock"),
    ):
        pytest.fail("both hold it")


def test_a_check_names_the_setting_of_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    away = Directory(DirectorySettings(path=tmp_path / "away", create=False))
    with pytest.raises(ConfigError, match="No such file or directory") as raised:
        away.check()
    assert raised.value.key == "path"
    assert not (tmp_path / "away").exists()


def test_a_check_creates_nothing_and_says_what_a_delivery_will_create(tmp_path: Path) -> None:
    channel = Directory(DirectorySettings(path=tmp_path / "site" / "out"))
    assert channel.check() == f"{tmp_path}/site/out will be created by the first delivery"
    assert channel.shows(parcel(1)) is None
    assert list(tmp_path.iterdir()) == []


def test_a_check_refuses_a_folder_that_a_delivery_could_not_create(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot be created: .*Not a directory") as raised:
        Directory(DirectorySettings(path=tmp_path / "file" / "out")).check()
    assert raised.value.key == "path"


def test_the_type_is_found_by_its_name() -> None:
    assert CHANNEL.name == "directory"


@pytest.mark.parametrize("name", ["index", "con", "nul", "com1", "lpt9"])
def test_a_name_that_means_something_where_files_lie_is_given_to_no_article(
    channel: Directory, out: Path, name: str
) -> None:
    channel.deliver(parcel(1, article=name))
    assert sorted(one.name for one in out.iterdir() if one.is_file()) == [f"_{name}.amp"]
    assert channel.shows(parcel(2, "withdrawn", article=name))


def test_the_file_that_an_article_had_before_its_name_was_reserved_goes(channel: Directory, out: Path) -> None:
    written = parcel(1, article="other")
    channel.deliver(written)
    for file in (out / "other.amp", out / "manifest" / "other.amp.json"):
        file.rename(file.with_name(file.name.replace("other", "index")))
    channel.deliver(replace(parcel(2, article="index"), remote_id="index.amp"))
    assert sorted(one.name for one in out.iterdir() if one.is_file()) == ["_index.amp"]
