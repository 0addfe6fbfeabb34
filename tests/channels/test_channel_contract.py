"""What every channel type does, whatever its other end is. A type is in it by being there."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from channel_harness import WAYS, Harness, expected, lacks, opened, parcel, shaped
from channel_killed import killed_in_a_fork, killed_in_a_fresh_process

from pipeline.channels import Channel, ChannelType, ReadableChannel, channel_types
from pipeline.channels.shared.settings import open_channel, read_settings
from pipeline.errors import ConfigError, PermanentError, TransientError
from pipeline.model.delivery import Parcel, Receipt

# One that is pulled from has no other end to be tried against: what it does is in tests/stages/test_pull.py.
PUSHED = [kind for kind in channel_types().values() if not kind.is_pull]
every_type = pytest.mark.parametrize("kind", PUSHED, ids=lambda kind: kind.name)
pytestmark = [pytest.mark.timeout(300), every_type]


class Sender:
    """Delivers as the deliver stage does: in the type's own shape, under the remote id that the last receipt gave."""

    def __init__(self, channel: Channel, harness: Harness) -> None:
        self.channel = channel
        self._harness = harness
        self._remote: dict[str, str | None] = {}

    def ready(self, one: Parcel) -> Parcel:
        return replace(shaped(self._harness, one), remote_id=self._remote.get(one.article_id))

    def deliver(self, one: Parcel) -> Receipt:
        receipt = self.channel.deliver(self.ready(one))
        self._remote[one.article_id] = receipt.remote_id or self._remote.get(one.article_id)
        return receipt

    def arrived(self, one: Parcel) -> bool:
        """Whether a reader at the other end finds just this."""
        wanted, received = expected(self._harness, shaped(self._harness, one)), self._harness.received(one.article_id)
        assert (
            received == wanted
            or received is None
            or (received.revision, received.event) != (wanted.revision, wanted.event)
        ), "other content"
        return received == wanted


@pytest.fixture
def harness(kind: ChannelType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Harness]:
    with opened(kind.name, tmp_path, monkeypatch) as harness:
        yield harness


@pytest.fixture
def channel(kind: ChannelType, harness: Harness) -> Iterator[Channel]:
    channel = reach(kind, harness.settings, harness)
    yield channel
    channel.close()


@pytest.fixture
def sender(channel: Channel, harness: Harness) -> Sender:
    return Sender(channel, harness)


def reach(kind: ChannelType, settings: Mapping[str, object], harness: Harness) -> Channel:
    return open_channel(kind, read_settings(kind, settings, prefix="channels.x"), harness.http, prefix="channels.x")


def test_it_delivers_updates_and_withdraws(sender: Sender) -> None:
    for one in (parcel(1), parcel(2), parcel(3, "withdrawn", body=b"taken back")):
        receipt = sender.deliver(one)
        assert receipt.detail
        assert "\n" not in receipt.detail
        assert sender.arrived(one)


def test_it_publishes_again_after_a_withdrawal(sender: Sender) -> None:
    sender.deliver(parcel(1))
    sender.deliver(parcel(2, "withdrawn", body=b"taken back"))
    sender.deliver(parcel(3, "published"))
    assert sender.arrived(parcel(3, "published"))


def test_it_takes_a_withdrawal_of_what_it_never_had(sender: Sender) -> None:
    sender.deliver(parcel(1, "withdrawn", body=b"taken back"))
    sender.deliver(parcel(2, "published"))
    assert sender.arrived(parcel(2, "published"))


@pytest.mark.parametrize("event", ["updated", "withdrawn"])
def test_a_repeated_delivery_is_harmless(sender: Sender, event: str) -> None:
    sender.deliver(parcel(1))
    for _ in range(3):
        sender.deliver(parcel(2, event))  # type: ignore[arg-type]
    assert sender.arrived(parcel(2, event))  # type: ignore[arg-type]


def test_articles_do_not_touch_each_other(sender: Sender) -> None:
    articles = [parcel(n, article=f"article-{n}") for n in (1, 2, 3)]
    for one in articles:
        sender.deliver(one)
    assert [sender.arrived(one) for one in articles] == [True, True, True]


def test_an_empty_body_is_delivered_too(sender: Sender) -> None:
    one = parcel(1, body=b" ")
    sender.deliver(one)
    assert sender.arrived(one)


def test_it_can_be_closed_and_used_again(sender: Sender) -> None:
    for one in (parcel(1), parcel(2)):
        sender.deliver(one)
        sender.channel.close()
    assert sender.arrived(parcel(2))
    sender.channel.close()


def test_a_check_reaches_the_other_end_and_sends_no_article(channel: Channel, harness: Harness) -> None:
    before = harness.touched()
    assert channel.check()
    assert harness.touched() == before


def test_what_can_be_read_back_shows_an_article_until_it_is_withdrawn(sender: Sender, channel: Channel) -> None:
    if not isinstance(channel, ReadableChannel):
        return
    withdrawal = parcel(2, "withdrawn", body=b"taken back")
    sender.deliver(parcel(1))
    where = channel.shows(sender.ready(withdrawal))
    assert where
    assert "\n" not in where
    sender.deliver(withdrawal)
    assert channel.shows(sender.ready(withdrawal)) is None


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


def test_every_way_of_failing_is_shown_or_cannot_be(harness: Harness) -> None:
    shown, lacking = {trouble.way for trouble in harness.troubles} & WAYS, lacks(harness)
    assert shown | set(lacking) == WAYS
    assert not shown & set(lacking)
    assert all(len(reason) > 10 for reason in lacking.values())


def test_it_names_the_trouble_and_delivers_once_it_is_over(
    kind: ChannelType, sender: Sender, harness: Harness, subtests: pytest.Subtests
) -> None:
    for number, trouble in enumerate(harness.troubles, 1):
        with subtests.test(msg=trouble.name):
            used = sender.channel if trouble.settings is None else reach(kind, trouble.settings, harness)
            one = parcel(number, article="in-trouble")
            trouble.begin()
            try:
                with pytest.raises((TransientError, PermanentError)) as raised:
                    used.deliver(sender.ready(one))
            finally:
                trouble.end()
                if used is not sender.channel:
                    used.close()
            assert type(raised.value) is trouble.raises
            assert raised.value.code == trouble.code
            assert getattr(raised.value, "retry_after", None) == trouble.retry_after
            assert "\n" not in str(raised.value)
            assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)  # noqa: S301
            sender.deliver(one)
            assert sender.arrived(one)


def test_killed_at_any_step_it_delivers_when_asked_again(kind: ChannelType, sender: Sender, harness: Harness) -> None:
    sender.deliver(parcel(1))
    step = 0
    while killed_at(step, kind, sender, harness):
        received = harness.received(parcel(1).article_id)
        assert received is not None
        bodies = {expected(harness, shaped(harness, parcel(n))).body for n in range(1, 3 + step)}
        assert received.body in bodies, "a torn body was left behind"
        sender.deliver(parcel(2 + step))
        assert sender.arrived(parcel(2 + step))
        step += 1
    assert step > 3, "the delivery was hardly interrupted at all"


def killed_at(step: int, kind: ChannelType, sender: Sender, harness: Harness) -> bool:
    steps = getattr(harness, "steps", ())
    one = sender.ready(parcel(2 + step))
    if getattr(harness, "unforkable", False):
        return killed_in_a_fresh_process(step, steps, kind.name, harness.settings, harness.http.guard, one)
    return killed_in_a_fork(step, steps, lambda: sender.channel.deliver(one))
