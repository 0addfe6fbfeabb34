"""A file that `watch` refuses is in the list of operations, with the reason."""

from __future__ import annotations

from pathlib import Path

from bench import Bench
from empty_ledger import empty_ledger

from pipeline.views import operations as operations_views
from workers.cli import watching


def test_a_file_that_a_watch_refuses_is_recorded(tmp_path: Path) -> None:
    ledger = empty_ledger(tmp_path)
    bench = Bench(ledger, "first")
    good, bad, taken = (tmp_path / name for name in ("good.md", "bad.md", "taken.md"))
    good.write_text("---\nid: cramps\ntitle: Cramps\n---\n\nStretch.\n")
    bad.write_text("---\ntitle: Cramps\npublished: 31/31/2026\nlanguage: klingon?\n---\n\nStretch.\n")
    taken.write_text("---\nid: cramps\ntitle: Other cramps\n---\n\nRest.\n")
    watching._publish(bench._intake(), (), [good, bad, taken])
    with ledger.read() as transaction:
        found = operations_views.operations(transaction, limit=10, now=bench.clock()).operations
    parts = {Path(part.file or "").name: part for one in found for part in one.parts}
    assert {name: part.outcome for name, part in parts.items()} == {
        "good.md": "published",
        "bad.md": "refused",
        "taken.md": "refused",
    }
    assert "published: " in (parts["bad.md"].reason or "") and "language: " in (parts["bad.md"].reason or "")
    assert "[id-taken]" in (parts["taken.md"].reason or "")
    assert {one.by for one in found} == {"citewire watch"}
    ledger.close()
