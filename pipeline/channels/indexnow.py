"""The `indexnow` channel: tells search engines which pages have changed or are gone (indexnow.org/documentation).

One request announces up to 10,000 pages of a host. The engine verifies the key with a file on that host, which
Citewire's web server provides at `/KEY.txt`. Withdrawn pages are announced too: the engine fetches them and gets a 410.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from pipeline.channels import ChannelType, Served
from pipeline.channels.shared.announcing import Announcer
from pipeline.channels.shared.deadline import Deadline, probe
from pipeline.channels.shared.settings import Address, ChannelSettings, TotalTimeout
from pipeline.errors import CitewireError, PermanentError, TransientError, UnsendableError
from pipeline.http import Response
from pipeline.model.delivery import Parcel, Receipt
from pipeline.validation import form

_MOST = 10_000  # addresses per request
_MEANS = {  # of the statuses, according to the documentation
    400: "the request is malformed",
    403: "the key is not valid: its file was not found or contains another key",
    422: "an address does not belong to this host, or the key does not match",
}


class IndexNowSettings(ChannelSettings):
    """`key` is not a secret: it is published in the file at `key_location` (default: `/KEY.txt` on the host)."""

    key: Annotated[str, form(r"[A-Za-z0-9-]{8,128}", "must be 8 to 128 letters, digits and -")]
    key_location: Address | None = None
    url: Address = "https://api.indexnow.org/indexnow"
    total_timeout: TotalTimeout = 20.0


class IndexNow(Announcer[IndexNowSettings]):
    def deliver_all(self, parcels: Sequence[Parcel]) -> Sequence[Receipt | CitewireError]:
        deadline = Deadline(self._settings.total_timeout)
        pages = dict.fromkeys(parcel.links.page for parcel in parcels if parcel.links)
        outcomes: dict[str, Receipt | CitewireError] = {}
        for host, urls in _requests(pages):
            outcome = self._announce(host, urls, parcels[0].at, deadline)
            outcomes |= dict.fromkeys(urls, outcome)
        unknown = UnsendableError("the article has no page address to announce", code="no-address")
        return [outcomes.get(parcel.links.page if parcel.links else "", unknown) for parcel in parcels]

    def check(self) -> str:
        deadline = Deadline(self._settings.total_timeout)
        reached = f"reached: {probe(self._http, self._settings.url, deadline.limits())}"
        location = self._settings.key_location
        if location is None:
            return reached
        response = self._http.request("GET", location, limits=deadline.limits())
        response.raise_for_delivery(dt.datetime.now(dt.UTC))
        if response.body.decode("utf-8", "replace").strip() != self._settings.key:
            raise PermanentError("the file at `key_location` does not contain the key", code="key-file-wrong")
        return f"{reached}; the key file is in place"

    def _announce(self, host: str, urls: Sequence[str], at: dt.datetime, deadline: Deadline) -> Receipt | CitewireError:
        settings = self._settings
        location = settings.key_location or f"{'{0.scheme}://{0.netloc}'.format(urlsplit(urls[0]))}/{settings.key}.txt"
        body = msgspec.json.encode({"host": host, "key": settings.key, "keyLocation": location, "urlList": urls})
        headers = {"content-type": "application/json; charset=utf-8"}
        try:
            response = self._http.request("POST", settings.url, headers=headers, body=body, limits=deadline.limits())
            _explained(response).raise_for_delivery(at)
        except (TransientError, PermanentError) as error:
            return error
        detail = f"{response.line}: announced {len(urls)} of {host}"
        return Receipt(detail=detail, status=response.status, answer=response.opening)


@dataclass(frozen=True)
class KeyFile:
    """Makes the file that proves ownership of the key."""

    key: str

    def __call__(self) -> Served:
        return Served("text/plain", self.key.encode())


def served(settings: IndexNowSettings) -> Mapping[str, KeyFile]:
    return {f"/{settings.key}.txt": KeyFile(settings.key)}


def _requests(pages: Mapping[str, None]) -> Iterator[tuple[str, list[str]]]:
    """Yield each host with its pages, split into requests of at most 10,000."""
    by_host: dict[str, list[str]] = {}
    for page in pages:
        by_host.setdefault(urlsplit(page).netloc, []).append(page)
    for host, urls in by_host.items():
        for start in range(0, len(urls), _MOST):
            yield host, urls[start : start + _MOST]


def _explained(response: Response) -> Response:
    """Return the response with the meaning of its status as its body, if it has none of its own."""
    meaning = _MEANS.get(response.status)
    return dataclasses.replace(response, body=meaning.encode()) if meaning and not response.excerpt else response


CHANNEL = ChannelType(name="indexnow", settings=IndexNowSettings, open=IndexNow, format="html", well_known=served)
