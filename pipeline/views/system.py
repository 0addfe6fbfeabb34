"""The whole system at a glance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pipeline.ledger import Transaction, articles, deliveries, evidence, places, processes
from pipeline.ledger.articles import withheld
from pipeline.ledger.deliveries import channels, proofs
from pipeline.ledger.partners import changes, pulls
from pipeline.views.deliveries import Delivery, delivery
from pipeline.views.fields import ChannelId, Count, Field, Time
from pipeline.views.places import Place, places_left
from pipeline.views.proofs import Proof, proof

MAX_LISTED = 100  # entries of each list


@dataclass(frozen=True, slots=True)
class Pulled:
    """How far the partner of a pull channel has read."""

    seen: Annotated[Time, Field(description="When it asked last.")]
    token: Annotated[str, Field(description="The name of the token that it used.")]
    taken: Count
    left: Annotated[int, Field(ge=0, description="Changes that it has not confirmed yet.")]


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """Whether a channel can be sent to."""

    channel: ChannelId
    circuit: channels.CircuitState
    opened: Time | None
    failures: Annotated[int, Field(ge=0, description="Failures in a row.")]
    paused_until: Time | None
    failing: Annotated[Time | None, Field(description="Since when it has accepted nothing.")]
    disabled: Time | None
    reason: str | None
    paused: Annotated[Time | None, Field(description="Since when it is paused, and sent nothing.")]
    pause_reason: str | None
    pulled: Annotated[Pulled | None, Field(description="Null if nobody has ever pulled from the channel.")]
    abandoned: Annotated[int, Field(ge=0, description="Deliveries that were given up.")] = 0
    secret_rotated: Annotated[
        Time | None, Field(description="When the secret that signs was made; null: it is the settings'.")
    ] = None
    former_secrets_until: Annotated[Time | None, Field(description="Until when former secrets sign too.")] = None


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """A process of the site that gave a sign of life within half a minute."""

    name: Annotated[str, Field(examples=["deliver@host-a:4711"])]
    kind: Annotated[str, Field(description="pipeline, deliver or web.")]
    seen: Time
    started: Time
    release: str
    schema: Annotated[str, Field(description="The ledger's schema that it was written for.")]
    settings: Annotated[str, Field(description="A digest: all processes of a site should have the same.")]
    clock_ahead: Annotated[float, Field(description="Seconds by which its host's clock is ahead of the ledger's.")]
    trouble: Annotated[str | None, Field(description="Why it takes no work.")]


@dataclass(frozen=True, slots=True)
class SystemStatus:
    """Counts by state, the health of each channel, and what needs attention."""

    articles: Mapping[str, int]
    references: Mapping[str, int]
    deliveries: Mapping[str, int]
    withheld: Mapping[str, int]
    channels: tuple[ChannelHealth, ...]
    not_configured: Annotated[
        Mapping[str, int], Field(description="Unfinished deliveries to channels that are not configured any longer.")
    ]
    places_left: Annotated[
        tuple[Place, ...], Field(description="Orphans: places that channels have left and that still hold copies.")
    ]
    drift: Annotated[Mapping[str, int], Field(description="By place: what was read back and is not as it should be.")]
    withdrawals_owed: tuple[Delivery, ...]
    proofs: Annotated[tuple[Proof, ...], Field(description="Withdrawals that have not been proved yet.")]
    web: Annotated[str | None, Field(description="The address of the running web server.")]
    processes: tuple[RunningProcess, ...]


def system(
    transaction: Transaction, channel_ids: Sequence[str], *, now: dt.datetime, web: str | None = None
) -> SystemStatus:
    """Return the status of the whole system. Lists hold at most `MAX_LISTED` entries."""
    return SystemStatus(
        articles=articles.counts(transaction),
        references=evidence.counts(transaction),
        deliveries=deliveries.counts(transaction),
        withheld=withheld.counts(transaction),
        channels=tuple(channel_healths(transaction, channel_ids, now)),
        not_configured=deliveries.outstanding_elsewhere(transaction, [*channel_ids, *places.within_reach(transaction)]),
        places_left=places_left(transaction),
        drift=places.drift_counts(transaction),
        withdrawals_owed=tuple(
            delivery(one) for one in deliveries.outstanding_withdrawals(transaction, limit=MAX_LISTED)
        ),
        proofs=tuple(proof(one) for one in proofs.outstanding(transaction, limit=MAX_LISTED)),
        web=web,
        processes=tuple(_process(one) for one in processes.alive(transaction, now=now)),
    )


def _process(one: processes.Process) -> RunningProcess:
    return RunningProcess(
        name=one.name,
        kind=one.kind,
        seen=one.seen,
        started=one.started,
        release=one.release,
        schema=one.schema,
        settings=one.settings.removeprefix("sha256:")[:12],
        clock_ahead=one.clock_off / 1000,
        trouble=one.trouble,
    )


def channel_health(transaction: Transaction, channel_id: str, now: dt.datetime) -> ChannelHealth:
    """Return the health of a channel."""
    (health,) = channel_healths(transaction, [channel_id], now)
    return health


def channel_healths(transaction: Transaction, channel_ids: Sequence[str], now: dt.datetime) -> list[ChannelHealth]:
    """Return the health of each channel, in this order, in a few statements and one for each that is pulled."""
    healths = channels.healths(transaction, channel_ids)
    secrets = places.rotations(transaction, channel_ids, now=now)
    positions = pulls.positions(transaction, channel_ids)
    abandoned = deliveries.counts_abandoned(transaction, channel_ids)
    return [
        _channel_health(
            channel_id,
            healths.get(channel_id, channels.Health()),
            secrets.get(channel_id, places.Rotation()),
            _pulled(transaction, channel_id, positions.get(channel_id)),
            abandoned.get(channel_id, 0),
            now,
        )
        for channel_id in channel_ids
    ]


def _channel_health(
    channel_id: str,
    health: channels.Health,
    secret: places.Rotation,
    pulled: Pulled | None,
    abandoned: int,
    now: dt.datetime,
) -> ChannelHealth:
    return ChannelHealth(
        channel=channel_id,
        circuit=health.circuit(now),
        opened=health.opened,
        failures=health.failures,
        paused_until=health.paused_until,
        failing=health.failing,
        disabled=health.disabled,
        reason=health.reason,
        paused=health.paused,
        pause_reason=health.pause_reason,
        pulled=pulled,
        abandoned=abandoned,
        secret_rotated=secret.at,
        former_secrets_until=secret.former_until,
    )


def _pulled(transaction: Transaction, channel_id: str, position: pulls.Position | None) -> Pulled | None:
    if position is None:
        return None
    left = changes.behind(transaction, channel_id, position.taken)
    return Pulled(seen=position.seen, token=position.token, taken=position.taken, left=left)
