"""The `websub` channel: notifies public hubs that feeds have changed (PubSubHubbub 0.4, section 7.1).

W3C's WebSub does not specify how a publisher notifies its hub; `hub.mode=publish` is what public hubs accept. The hub
then fetches the feed, so nothing is sent before the feeds contain the change. Withdrawals are announced the same way.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import urlencode

from pydantic import BeforeValidator, Field

from pipeline.channels import ChannelType
from pipeline.channels.shared.announcing import Announcer, worst
from pipeline.channels.shared.deadline import Deadline, probe
from pipeline.channels.shared.settings import Address, ChannelSettings, TotalTimeout
from pipeline.errors import CitewireError, PermanentError, TransientError
from pipeline.model.delivery import Parcel, Receipt


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


class WebSubSettings(ChannelSettings):
    """`hub`: one or several addresses."""

    hub: Annotated[tuple[Address, ...], BeforeValidator(_several), Field(min_length=1, max_length=10)]
    total_timeout: TotalTimeout = 30.0


class WebSub(Announcer[WebSubSettings]):
    def deliver_all(self, parcels: Sequence[Parcel]) -> Sequence[Receipt | CitewireError]:
        """Announce each feed once, however many of the parcels are in it."""
        deadline = Deadline(self._settings.total_timeout)
        feeds = dict.fromkeys(feed for parcel in parcels for feed in _feeds(parcel))
        pings = {feed: self._announce(feed, parcels[0].at, deadline) for feed in feeds}
        return [_outcome(parcel, pings) for parcel in parcels]

    def check(self) -> str:
        deadline = Deadline(self._settings.total_timeout)
        return "; ".join(f"reached: {probe(self._http, hub, deadline.limits())}" for hub in self._settings.hub)

    def _announce(self, feed: str, at: dt.datetime, deadline: Deadline) -> Receipt | CitewireError:
        return worst([self._ping(hub, feed, at, deadline) for hub in self._settings.hub])

    def _ping(self, hub: str, feed: str, at: dt.datetime, deadline: Deadline) -> Receipt | CitewireError:
        body = urlencode({"hub.mode": "publish", "hub.url": feed}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        try:
            response = self._http.request("POST", hub, headers=headers, body=body, limits=deadline.limits())
            response.raise_for_delivery(at)
        except (TransientError, PermanentError) as error:
            return error
        return Receipt(detail=response.line, status=response.status, answer=response.opening)


def _feeds(parcel: Parcel) -> Sequence[str]:
    return parcel.links.feeds if parcel.links else ()


def _outcome(parcel: Parcel, pings: Mapping[str, Receipt | CitewireError]) -> Receipt | CitewireError:
    feeds = _feeds(parcel)
    if not feeds:
        return Receipt(detail="not in any feed: nothing to announce")
    outcome = worst(pings[feed] for feed in feeds)
    if isinstance(outcome, Receipt):
        detail = f"{outcome.detail}: announced {len(feeds)} feeds"
        return Receipt(detail=detail, status=outcome.status, answer=outcome.answer)
    return outcome


CHANNEL = ChannelType(name="websub", settings=WebSubSettings, open=WebSub, format="atom", wait_for_feeds=True)
