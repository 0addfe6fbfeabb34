"""The `pull` channel: for a partner that fetches its changes itself (`GET /partners/{id}/changes`).

A delivery is done once the partner has asked for the changes after it: see `pipeline.stages.partners.pull`.
"""

from __future__ import annotations

from pipeline.channels import ChannelType
from pipeline.channels.shared.settings import ChannelSettings
from pipeline.http import Http
from pipeline.model.delivery import Parcel, Receipt


class PullSettings(ChannelSettings):
    """No settings: any token with the scope `partner:ID` gives access."""


class Pull:
    def __init__(self, settings: PullSettings, http: Http) -> None:
        """Open nothing."""

    def deliver(self, parcel: Parcel) -> Receipt:
        """Do nothing. Pending deliveries wait in the ledger and are never passed to this method."""
        return Receipt("waits to be pulled")

    def check(self) -> str:
        return "waits to be pulled: GET /partners/ID/changes"

    def close(self) -> None:
        return


CHANNEL = ChannelType(name="pull", settings=PullSettings, open=Pull, is_pull=True)
