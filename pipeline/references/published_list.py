"""What a list of verdicts that its source publishes whole has in common with others, and how it is found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Generator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from pipeline.errors import PermanentError, TransientError
from pipeline.http import Http, Limits
from pipeline.model.reference import ListedVerdict
from pipeline.references.json_answers import failure_of

_LIMITS = Limits(connect=10.0, read=30.0, total=900.0, max_bytes=1_000_000_000)


@dataclass(frozen=True)
class PublishedList:
    """A module's `LIST`: a list by its name, which is also the name of its setting.

    `read` yields the rows one by one, and raises TransientError (`not-data`) when the file is not such a list.
    """

    name: str  # "retraction_watch"
    label: str  # "Retraction Watch"
    url: str  # its public address
    read: Callable[[Path], Generator[ListedVerdict]]


@dataclass(frozen=True)
class Edition:
    """A downloaded file, and the ETag with which to ask for a newer one."""

    file: Path
    etag: str | None


class OpenList:
    """A list in use, at one address."""

    def __init__(self, kind: PublishedList, http: Http, url: str, limits: Limits = _LIMITS) -> None:
        self.list = kind
        self._http, self._url, self._limits = http, url, limits

    def download(self, file: Path, etag: str | None) -> Edition | None:
        """Download the list into the file; return None if it is still the edition with this ETag.

        Raises TransientError for anything but a complete answer.
        """
        headers = {"Accept": "text/csv, */*;q=0.5", **({"If-None-Match": etag} if etag else {})}
        try:
            with file.open("wb") as body:
                response = self._http.download(self._url, body, headers=headers, limits=self._limits)
        except PermanentError as error:
            raise TransientError(error.message, code=error.code, status=error.status) from error
        if etag and response.status == HTTPStatus.NOT_MODIFIED:
            return None
        if response.status != HTTPStatus.OK:
            raise failure_of(response, self.list.label, dt.datetime.now(dt.UTC))
        return Edition(file, response.headers.get("etag"))
