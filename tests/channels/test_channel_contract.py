"""What every channel type does, whatever its other end is. A type is in it by being there."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from channel_harness import Harness, Held, opened, parcel

from pipeline.channels import Channel, ChannelType, channel_types
from pipeline.channels.settings import open_channel, read_settings
from pipeline.errors import ConfigError, PermanentError, TransientError
from pipeline.model.delivery import Parcel

every_type = pytest.mark.parametrize("kind", list(channel_types().values()), ids=lambda kind: kind.name)
pytestmark = [pytest.mark.timeout(60), every_type]


@pytest.fixture
def harness(kind: ChannelType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Harness]:
    with opened(kind.name, tmp_path, monkeypatch) as harness:
        yield harness


@pytest.fixture
def channel(kind: ChannelType, harness: Harness) -> Iterator[Channel]:
    channel = reach(kind, harness.settings, harness)
    yield channel
    channel.close()


def reach(kind: ChannelType, settings: Mapping[str, object], harness: Harness) -> Channel:
    return open_channel(kind, read_settings(kind, settings, prefix="channels.x"), harness.http, prefix="channels.x")


def as_held(parcel: Parcel) -> Held:
    return Held(parcel.revision, parcel.event, parcel.rendition.body)


def test_it_delivers_updates_and_withdraws(channel: Channel, harness: Harness) -> None:
    for one in (parcel(1), parcel(2), parcel(3, "withdrawn", body=b"taken back")):
        receipt = channel.deliver(one)
        assert receipt.detail
        assert "\n" not in receipt.detail
        assert harness.held(one.article_id) == as_held(one)


def test_it_publishes_again_after_a_withdrawal(channel: Channel, harness: Harness) -> None:
    channel.deliver(parcel(1, "withdrawn", body=b"taken back"))
    channel.deliver(parcel(2, "published"))
    assert harness.held(parcel(2).article_id) == as_held(parcel(2, "published"))


def test_a_repeated_delivery_is_harmless(channel: Channel, harness: Harness) -> None:
    for _ in range(3):
        channel.deliver(parcel(2))
    assert harness.held(parcel(2).article_id) == as_held(parcel(2))


def test_articles_do_not_touch_each_other(channel: Channel, harness: Harness) -> None:
    articles = [parcel(n, article=f"article-{n}") for n in (1, 2, 3)]
    for one in articles:
        channel.deliver(one)
    assert [harness.held(one.article_id) for one in articles] == [as_held(one) for one in articles]


def test_an_empty_body_is_delivered_too(channel: Channel, harness: Harness) -> None:
    one = parcel(1, body=b" ")
    channel.deliver(one)
    assert harness.held(one.article_id) == as_held(one)


def test_a_check_reaches_the_other_end_and_sends_no_article(channel: Channel, harness: Harness) -> None:
    before = harness.touched()
    assert channel.check()
    assert harness.touched() == before


def test_bad_settings_are_refused_with_the_key_and_without_the_value(
    kind: ChannelType, harness: Harness, subtests: pytest.Subtests
) -> None:
    assert harness.bad_settings
    for settings, key in harness.bad_settings:
        with subtests.test(msg=key, settings=settings):
            with pytest.raises(ConfigError) as raised:
                reach(kind, settings, harness)
            assert raised.value.key == f"channels.x.{key}"
            assert "hush" not in str(raised.value)
            assert "aHVzaA" not in str(raised.value)


def test_settings_that_are_not_known_are_refused(kind: ChannelType, harness: Harness) -> None:
    with pytest.raises(ConfigError) as raised:
        read_settings(kind, {**harness.settings, "colour": "red"}, prefix="channels.x")
    assert raised.value.key == "channels.x.colour"


def test_settings_are_frozen(kind: ChannelType, harness: Harness) -> None:
    settings = read_settings(kind, harness.settings, prefix="channels.x")
    with pytest.raises(ValueError, match="frozen"):
        setattr(settings, next(iter(kind.settings.model_fields)), None)


def test_it_names_the_trouble_and_delivers_once_it_is_over(
    kind: ChannelType, channel: Channel, harness: Harness, subtests: pytest.Subtests
) -> None:
    for number, trouble in enumerate(harness.troubles, 1):
        with subtests.test(msg=trouble.name):
            used = channel
            if trouble.settings is not None:
                used = reach(kind, trouble.settings, harness)
            one = parcel(number, article="in-trouble")
            trouble.begin()
            with pytest.raises((TransientError, PermanentError)) as raised:
                used.deliver(one)
            trouble.end()
            assert type(raised.value) is trouble.raises
            assert raised.value.code == trouble.code
            assert getattr(raised.value, "retry_after", None) == trouble.retry_after
            assert "\n" not in str(raised.value)
            assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)  # noqa: S301
            channel.deliver(one)
            assert harness.held("in-trouble") == as_held(one)


def test_killed_at_any_step_it_delivers_when_asked_again(channel: Channel, harness: Harness) -> None:
    channel.deliver(parcel(1))
    step = 0
    while killed_at(step, channel, parcel(2 + step)):
        held = harness.held(parcel(1).article_id)
        assert held is not None
        assert held.body in {parcel(n).rendition.body for n in range(1, 3 + step)}, "a torn body was left behind"
        channel.deliver(parcel(2 + step))
        assert harness.held(parcel(1).article_id) == as_held(parcel(2 + step))
        step += 1
    assert step > 3, "the delivery was hardly interrupted at all"


def killed_at(step: int, channel: Channel, one: Parcel) -> bool:
    """Delivers in a child that is killed at its `step`-th file or socket operation. False: it ended before that."""
    child = os.fork()
    if child == 0:
        left = step

        def count(event: str, _arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event.split(".", maxsplit=1)[0] in ("open", "os", "socket", "http", "fcntl"):
                left -= 1
                if left == -1:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(count)
            channel.deliver(one)
            os._exit(0)
        finally:
            os._exit(1)  # whatever was raised: the child must not go on as a second pytest
    status = os.waitpid(child, 0)[1]
    assert status == 0 or os.WTERMSIG(status) == signal.SIGKILL
    return status != 0
