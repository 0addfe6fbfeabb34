"""A partner's own secrets, one after the other: what signs when."""

from __future__ import annotations

import base64
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.channels.webhook import rotation
from pipeline.channels.webhook.rotation import MOST, MadeSecrets
from pipeline.channels.webhook.signing import PRIVATE, read_signer
from pipeline.errors import InvalidEvent
from pipeline.sealing import Sealer

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


def made(before: MadeSecrets | None = None, *, at: dt.datetime = NOW, overlap: dt.timedelta = DAY) -> MadeSecrets:
    return rotation.rotated(before, {"v1"}, now=at, overlap=overlap)


def test_the_secrets_of_the_settings_sign_until_the_overlap_ends() -> None:
    first = made()
    assert (first.configured_until, first.former_until(NOW)) == (NOW + DAY, NOW + DAY)
    assert len(first.in_force(NOW + 30 * DAY)) == 1
    assert first.former_until(NOW + DAY) is None


def test_a_second_rotation_keeps_the_first_until_its_own_overlap_ends_and_prolongs_nothing() -> None:
    first = made(overlap=HOUR)
    second = made(first, at=NOW + HOUR / 2, overlap=DAY)
    assert second.configured_until == NOW + HOUR
    assert second.in_force(NOW + HOUR) == (second.made[0].text, first.made[0].text)
    assert second.in_force(NOW + 2 * DAY) == (second.made[0].text,)
    third = made(second, at=NOW + HOUR, overlap=dt.timedelta())  # what has leaked ends at once
    assert third.in_force(NOW + HOUR) == (third.made[0].text,)
    assert third.former_until(NOW + HOUR) is None


def test_the_former_ones_can_be_ended() -> None:
    first = made()
    alone = rotation.newest_alone(made(first), now=NOW + HOUR)
    assert (len(alone.in_force(NOW + HOUR)), alone.former_until(NOW + HOUR)) == (1, None)
    assert alone.made[0].text != first.made[0].text


def test_each_version_of_signatures_gets_a_new_key_and_a_private_one_is_never_shown() -> None:
    both = rotation.rotated(None, {"v1", "v1a"}, now=NOW, overlap=DAY)
    secret, public = rotation.shown(both)
    assert secret is not None
    assert secret.startswith("whsec_")
    assert public is not None
    assert public.startswith("whpk_")
    assert {rotation.version_of(read_signer(one)) for one in both.in_force(NOW)} == {"v1", "v1a"}
    assert rotation.shown(rotation.rotated(None, {"v1a"}, now=NOW, overlap=DAY))[0] is None
    assert PRIVATE not in f"{secret}{public}"


def test_there_are_only_so_many_at_once() -> None:
    secrets = made()
    for _ in range(MOST - 1):
        secrets = made(secrets)
    assert len(secrets.in_force(NOW)) == MOST
    with pytest.raises(InvalidEvent) as refused:
        made(secrets)
    assert refused.value.code == "too-many-secrets"
    assert len(made(secrets, at=NOW + 2 * DAY).in_force(NOW + 2 * DAY)) == 2


@given(st.binary(max_size=500))
def test_what_was_sealed_opens_for_its_owner_with_its_key_and_for_no_other(content: bytes) -> None:
    key, other = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
    sealed = Sealer([key]).seal(content, owner="partner-a")
    assert Sealer([other, key]).open(sealed, owner="partner-a") == content
    assert content == b"" or len(content) < 4 or content not in sealed
    for sealer, text, owner in (
        (Sealer([other]), sealed, "partner-a"),
        (Sealer([key]), sealed, "partner-b"),
        (Sealer([key]), sealed[:-1] + bytes([sealed[-1] ^ 1]), "partner-a"),
        (Sealer([key]), sealed[:5], "partner-a"),
        (Sealer([key]), b"", "partner-a"),
    ):
        with pytest.raises(ValueError, match="another key"):
            sealer.open(text, owner=owner)


@pytest.mark.parametrize("text", ["", "short", "é" * 40, base64.b64encode(bytes(31)).decode(), "=" * 44])
def test_a_key_that_seals_nothing_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="base64 of 32 bytes") as refused:
        Sealer([text])
    assert not text or text not in str(refused.value)
