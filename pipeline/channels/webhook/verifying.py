"""Say which check of a received message fails, and why. The signature that would have been right is never said."""

from __future__ import annotations

import datetime as dt
import hmac
import zlib
from collections.abc import Mapping, Sequence

from pipeline.channels.webhook.signing import Signer, signed
from pipeline.model.delivery import SignatureCheck

TOLERANCE = 300  # seconds that the libraries of Standard Webhooks allow a timestamp to be off
_MOST = 8_000_000  # bytes of a body that is decompressed
_OF_ARTICLE = ("citewire-revision", "citewire-event", "citewire-article")


def checks(
    headers: Mapping[str, str], body: bytes, signers: Sequence[Signer], *, now: dt.datetime
) -> tuple[SignatureCheck, ...]:
    """Return the checks in the order in which a receiver makes them."""
    return (
        SignatureCheck("webhook-id", None if headers.get("webhook-id") else "the header is missing"),
        SignatureCheck("webhook-timestamp", _timestamp(headers.get("webhook-timestamp"), now)),
        SignatureCheck("webhook-signature", _signature(headers, body, signers)),
        SignatureCheck("citewire-headers", _headers(headers)),
    )


def _timestamp(text: str | None, now: dt.datetime) -> str | None:
    seconds = _seconds(text)
    if seconds is None:
        return "is not a number of seconds" if text else "the header is missing"
    ahead = seconds - int(now.timestamp())
    if abs(ahead) <= TOLERANCE:
        return None
    side = "ahead of" if ahead > 0 else "behind"
    return f"is {abs(ahead):,} seconds {side} our clock: libraries refuse more than {TOLERANCE}"


def _seconds(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 15 else None


def _signature(headers: Mapping[str, str], body: bytes, signers: Sequence[Signer]) -> str | None:
    given = headers.get("webhook-signature", "").split()
    if not given:
        return "the header is missing"
    if _seconds(headers.get("webhook-timestamp")) is None or not headers.get("webhook-id"):
        return "cannot be checked without webhook-id and webhook-timestamp"
    if _is_of(headers, body, given, signers):
        return None
    unpacked = _unpacked(body)
    if unpacked is not None and _is_of(headers, unpacked, given, signers):
        return "is of the uncompressed body: decompress it before you verify"
    used = {signer.sign(b"").partition(",")[0] for signer in signers}
    if used.isdisjoint(one.partition(",")[0] for one in given):
        return f"has no signature of the version {' or '.join(sorted(used))}, which this channel uses"
    return "is not of this id, timestamp and body by a secret of this channel: one of them was changed on its way"


def _is_of(headers: Mapping[str, str], body: bytes, given: Sequence[str], signers: Sequence[Signer]) -> bool:
    seconds = _seconds(headers.get("webhook-timestamp")) or 0
    right = signed(headers["webhook-id"], seconds, body, signers)["webhook-signature"].split()
    return any(hmac.compare_digest(one.encode(), other.encode()) for one in right for other in given)


def _unpacked(body: bytes) -> bytes | None:
    try:
        return zlib.decompressobj(wbits=31).decompress(body, _MOST)
    except zlib.error:
        return None


def _headers(headers: Mapping[str, str]) -> str | None:
    """Compare the article's own headers, which are not signed, with the id, which is."""
    parts = headers.get("webhook-id", "").split(".", 4)
    if len(parts) != 5:
        return "cannot be compared: the id is not one of ours"
    signed_ones = dict(zip(_OF_ARTICLE, (parts[1], parts[3], parts[4]), strict=True))
    wrong = [name for name in _OF_ARTICLE if headers.get(name) not in (None, signed_ones[name])]
    return f"{', '.join(wrong)} is not as in webhook-id, which is signed" if wrong else None
