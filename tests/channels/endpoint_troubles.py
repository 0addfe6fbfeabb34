"""The ways in which an `Endpoint` fails, as the contract suite takes them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, cast

from channel_harness import Trouble, Way

from pipeline.errors import PermanentError, TransientError
from pipeline.http import EgressGuard, Http
from standins.endpoint import Endpoint, Mode, Reply


def local_http() -> Http:
    """Return a client that may reach this machine."""
    return Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))


def endpoint_troubles(endpoint: Endpoint, settings: Mapping[str, object], *, refused: Reply) -> list[Trouble]:
    """`refused`: an answer that means a permanent refusal. An endpoint that hangs is given a third of a second."""
    impatient = {**settings, "total_timeout": 0.3}
    busy = Reply(429, b"slow down", headers={"retry-after": "7"})
    modes: Sequence[tuple[Mode, str, Way]] = (
        ("hang", "timeout", "hang"),
        ("drip-head", "timeout", "drip"),
        ("drip-body", "timeout", "drip"),
        ("cut", "connection-failed", "cut"),
        ("cut-body", "connection-failed", "cut"),
        ("lost", "connection-failed", "cut"),
        ("garbage", "bad-response", "garbage"),
    )
    return [
        _trouble(endpoint, refused, PermanentError, "refused", way="refusal"),
        _trouble(endpoint, Reply(503), TransientError, "try-later"),
        _trouble(endpoint, busy, TransientError, "try-later", retry_after=7),
        _trouble(endpoint, Reply(302, headers={"location": "/elsewhere"}), PermanentError, "redirected"),
        *(
            _trouble(
                endpoint, mode, TransientError, code, way=way, settings=impatient if code == "timeout" else settings
            )
            for mode, code, way in modes
        ),
    ]


def _trouble(endpoint: Endpoint, what: Mode | Reply, raises: type[Any], code: str, **more: Any) -> Trouble:
    name = f"it answers {what.status}" if isinstance(what, Reply) else cast("str", what)
    return Trouble(name, raises, code, begin=lambda: endpoint.misbehave(what), end=endpoint.behave, **more)
