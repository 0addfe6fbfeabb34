"""When a 404 counts as "gone": only when it comes again minutes later.

A server answers 404 for some seconds during a deployment too, and what is then taken for gone is still there
afterwards. The first 404 is kept behind the remote id, with its time and the revision that met it.
"""

from __future__ import annotations

import datetime as dt

from pipeline.errors import PermanentError
from pipeline.model.delivery import Parcel

_CONFIRMED_AFTER = dt.timedelta(minutes=2)
_MARK = " 404:"  # before REVISION:SECONDS
_OURS = "0:0"  # it was deleted by us


def without_mark(remote_id: str | None) -> str:
    """Return what the channel keeps as its remote id."""
    return (remote_id or "").partition(_MARK)[0]


def is_deleted(remote_id: str) -> bool:
    """Return whether the remote id says that we have deleted it."""
    return remote_id.endswith(f"{_MARK}{_OURS}")


def deleted(remote_id: str) -> str:
    """Return the remote id of what was deleted, where a 404 is to be expected."""
    return f"{remote_id}{_MARK}{_OURS}"


def confirm(parcel: Parcel, *, who: str, remote_id: str = "") -> None:
    """Raise PermanentError (`not-found`), with the remote id to keep, unless the first 404 was minutes ago."""
    _, _, mark = (parcel.remote_id or "").partition(_MARK)
    if mark == _OURS:
        return
    revision, _, seconds = mark.partition(":")
    at, first = int(parcel.at.timestamp()), None
    if revision == str(parcel.revision) and seconds.isdecimal():
        first = int(seconds)
    if first is not None and at - first >= _CONFIRMED_AFTER.total_seconds():
        return
    raise PermanentError(
        f"{who}: 404, which counts as gone if it is the answer in two minutes too",
        status=404,
        code="not-found",
        remote_id=f"{remote_id}{_MARK}{parcel.revision}:{at if first is None else first}",
    )
