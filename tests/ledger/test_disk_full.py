"""A full disk is named with its folder and the bytes that are left; nothing of a transaction remains."""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from empty_ledger import empty_ledger

from pipeline.errors import TransientError
from pipeline.ledger import tokens
from pipeline.ledger.failures import failure_of


def test_a_full_disk_is_named_with_its_folder_and_the_bytes_that_are_free(tmp_path: Path) -> None:
    ledger = empty_ledger(tmp_path)
    now = dt.datetime.now(dt.UTC)
    with pytest.raises(TransientError) as full, ledger.write() as transaction:
        transaction.execute(sa.text("PRAGMA max_page_count = 1"))  # SQLite's own way to a full disk: not one page more
        for number in range(10_000):
            tokens.add(transaction, f"cw_{number}", name="x" * 1000, scope="publish", now=now, expires=None)
    assert full.value.code == "disk-full"
    assert re.fullmatch(rf"the disk is full: {re.escape(str(tmp_path))} has [\d,]+ bytes free", full.value.message)
    with ledger.read() as transaction:
        assert list(tokens.every(transaction)) == []
    ledger.close()


def test_a_full_disk_is_named_where_its_free_bytes_cannot_be_read() -> None:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    url = sa.make_url("sqlite:////no/such/folder/ledger.sqlite")
    found = failure_of(sa.exc.OperationalError("INSERT", None, error), url)
    assert isinstance(found, TransientError)
    assert (found.code, found.message) == ("disk-full", "the disk of /no/such/folder/ledger.sqlite is full")
