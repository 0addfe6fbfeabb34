"""Places and settings: what the settings want, and the channels that the ledger has in force."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence, ValuesView
from pathlib import Path

import structlog

from config.settings import ChannelSettings, Settings
from pipeline.channels import channel_types
from pipeline.channels.shared.settings import read_settings
from pipeline.errors import ConfigError
from pipeline.ledger import Ledger, Transaction, places
from pipeline.ledger.places import REACHABLE, Place
from pipeline.stages.context import ChannelPlan
from pipeline.stages.places.changes import ConfiguredChannel

_log = structlog.get_logger()


def configured_channels(settings: Settings) -> list[ConfiguredChannel]:
    """Return what the settings want of each channel. They have been checked."""
    return [_configured(channel) for channel in settings.channels]


def _configured(channel: ChannelSettings) -> ConfiguredChannel:
    kind = channel_types()[channel.type]
    own = read_settings(kind, channel.own, prefix=f"channels.{channel.id}", base=channel.base)
    table = {"table": channel.model_dump(mode="json", exclude_unset=True), "base": os.path.realpath(channel.base)}
    return ConfiguredChannel(
        channel=channel.id,
        type=channel.type,
        location=kind.place(own) if kind.place else None,
        format=channel.format or kind.format or "",
        settings=json.dumps(table, sort_keys=True, ensure_ascii=False).encode(),
        backfill=kind.backfill if channel.backfill is None else channel.backfill,
    )


def settings_of(place: Place) -> ChannelSettings:
    """Return the channel's settings as they last were at the place. Raises ConfigError if none were stored."""
    if place.settings is None:
        raise ConfigError(f"the settings of {place.channel} were never stored", key=f"channels.{place.channel}")
    kept = json.loads(place.settings)
    return ChannelSettings.model_validate(kept["table"], context={"base": Path(kept["base"])})


class Channels(Mapping[str, ChannelPlan]):
    """The channels in force, and the places that channels have left, by key. Shared by the threads of a process.

    Every process has them from the ledger, so that all agree on them, whatever the file says by now.
    """

    def __init__(self, ledger: Ledger, plan_at: Callable[[Place], ChannelPlan]) -> None:
        self._plan_at = plan_at
        self._known: tuple[int, Mapping[str, tuple[Place, ChannelPlan]]] = (-1, {})
        self._plans: dict[str, ChannelPlan] = {}
        with ledger.read() as transaction:
            self.refresh(transaction)

    def refresh(self, transaction: Transaction) -> None:
        """Take up what is in force now. A plan that has not changed stays the same object."""
        generation, known = self._known
        now = places.generation(transaction)
        if now != generation:
            found = places.every(transaction, states=REACHABLE)
            planned = dict(self._planned(found, known))
            self._plans = {key: plan for key, (_, plan) in planned.items()}
            self._known = (now, planned)  # last: whoever sees the generation has its plans

    def _planned(
        self, found: Sequence[Place], known: Mapping[str, tuple[Place, ChannelPlan]]
    ) -> Iterator[tuple[str, tuple[Place, ChannelPlan]]]:
        for place in found:
            before = known.get(place.key)
            if before is not None and _identity(before[0]) == _identity(place):
                yield place.key, before
            elif (plan := self._plan(place)) is not None:
                yield place.key, (place, plan)

    def _plan(self, place: Place) -> ChannelPlan | None:
        """Return the plan of a place, or None if its channel type is no longer installed, or knows other settings."""
        try:
            plan = self._plan_at(place)
        except (ConfigError, ValueError) as error:
            _log.warning("place out of reach", channel=place.channel, place=place.title, error=str(error))
            return None
        if place.state == "in-force":
            return plan
        retired = place.state == "emptying"
        return dataclasses.replace(plan, id=place.key, enabled=False, retired=retired, format=place.format or "")

    def __getitem__(self, key: str) -> ChannelPlan:
        return self._plans[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._plans)

    def __len__(self) -> int:
        return len(self._plans)

    def values(self) -> ValuesView[ChannelPlan]:
        """Return the plans. Every sweep, and every batch of articles, goes through all of them."""
        return self._plans.values()


def _identity(place: Place) -> tuple[object, ...]:
    return (place.state, place.location, place.settings, place.signing)
