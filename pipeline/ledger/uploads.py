"""Article files that somebody has uploaded to look at what publishing them would do.

The bytes are kept, so that what is published is what was looked at, whichever process answers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import uploaded_files, uploads

KEPT = dt.timedelta(hours=1)


class UploadedFile(Struct, frozen=True):
    """A file as it was sent. `name` is None for text that was pasted."""

    name: str | None
    data: bytes


class Upload(Struct, frozen=True, kw_only=True):
    """Files of one person. `embargo`: of all their articles, in place of what the files say."""

    id: str
    by: str
    at: dt.datetime
    embargo: dt.datetime | None = None
    take_over: bool = False


_COLUMNS = tuple(uploads.c[name] for name in Upload.__struct_fields__)


def keep(transaction: Transaction, new: Upload, files: Sequence[UploadedFile]) -> None:
    """Keep files, in place of what the same person had uploaded and not published."""
    _delete(transaction, uploads.c.by == new.by)
    transaction.execute(sa.insert(uploads).values({name: getattr(new, name) for name in Upload.__struct_fields__}))
    rows = [
        {"upload": new.id, "number": number, "name": file.name, "data": file.data}
        for number, file in enumerate(files, start=1)
    ]
    transaction.execute(sa.insert(uploaded_files), rows)


def find(transaction: Transaction, id: str) -> Upload | None:
    row = transaction.execute(sa.select(*_COLUMNS).where(uploads.c.id == id)).one_or_none()
    return None if row is None else Upload(**row._mapping)


def files_of(transaction: Transaction, id: str) -> list[UploadedFile]:
    """Return the files in the order in which they were sent."""
    columns = (uploaded_files.c.name, uploaded_files.c.data)
    query = sa.select(*columns).where(uploaded_files.c.upload == id).order_by(uploaded_files.c.number)
    return [UploadedFile(name, bytes(data)) for name, data in transaction.execute(query)]


def end(transaction: Transaction, id: str) -> bool:
    """Forget an upload that is being published; return False if it was published or replaced meanwhile."""
    transaction.execute(sa.delete(uploaded_files).where(uploaded_files.c.upload == id))
    return transaction.execute(sa.delete(uploads).where(uploads.c.id == id)).rowcount == 1


def forget(transaction: Transaction, *, now: dt.datetime) -> None:
    """Forget what was uploaded a while ago and not published."""
    _delete(transaction, uploads.c.at < now - KEPT)


def _delete(transaction: Transaction, which: sa.ColumnElement[bool]) -> None:
    ids = list(transaction.scalars(sa.select(uploads.c.id).where(which)))
    transaction.execute(sa.delete(uploaded_files).where(uploaded_files.c.upload.in_(ids)))
    transaction.execute(sa.delete(uploads).where(uploads.c.id.in_(ids)))
