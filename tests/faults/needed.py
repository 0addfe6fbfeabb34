"""What a test of several hosts needs of the machine."""

from __future__ import annotations

from faults.network import lacking, why_not
from judges.presence import missing, not_allowed


def a_network_can_be_made() -> None:
    """Leave the test out where no network of hosts can be made, and say why."""
    if names := lacking():
        missing(", ".join(names), "Debian's packages iproute2, util-linux and hostname have them")
    if reason := why_not():
        not_allowed("a network of hosts", reason)
