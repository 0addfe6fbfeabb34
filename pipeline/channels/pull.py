"""The `pull` channel: for a partner who is never called, and asks instead (`GET /partners/{id}/changes`).

Its deliveries wait until the partner has asked for what comes after them: see `pipeline.stages.partners.pull`.
"""

from __future__ import annotations

from pipeline.channels import ChannelType
from pipeline.channels.shared.settings import ChannelSettings
from pipeline.http import Http
from pipeline.model.delivery import Parcel, Receipt


class PullSettings(ChannelSettings):
    """None: whoever holds a token of the scope `partner:ID` may ask."""


class Pull:
    def __init__(self, settings: PullSettings, http: Http) -> None:
        """Nothing is opened."""

    def deliver(self, parcel: Parcel) -> Receipt:
        """Never called for what is owed, which waits in the ledger. Does nothing."""
        return Receipt("waits to be asked for")

    def check(self) -> str:
        return "waits to be asked: GET /partners/ID/changes"

    def close(self) -> None:
        return


CHANNEL = ChannelType(name="pull", settings=PullSettings, open=Pull, is_pull=True)
