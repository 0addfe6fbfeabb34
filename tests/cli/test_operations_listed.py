"""A list of operations that is cut says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import citewire
from empty_ledger import empty_ledger

from pipeline.ledger import operations

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(("count", "cut"), [(100, False), (101, True)])
def test_a_list_of_operations_that_is_cut_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], count: int, cut: bool
) -> None:
    ledger = empty_ledger(tmp_path)
    with ledger.write() as transaction:
        for number in range(count):
            at = START + timedelta(minutes=number)
            operations.record(transaction, operations.Operation(f"op_{number:03}", "publish", "cms", at), [])
    ledger.close()
    result = citewire(capsys, "operations", "--json", "--data", tmp_path)
    listed = [one["operation"] for one in result.json["operations"]]
    assert (len(listed), listed[0]) == (100, f"op_{count - 1:03}")
    assert ("there are more than these" in result.err) == cut
