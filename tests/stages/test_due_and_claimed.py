"""A stage claims nothing that the sweep does not ring for: the bench passes over the time in which nothing is due."""

from __future__ import annotations

from bench import Bench, article, paper
from msgspec import structs

from pipeline.ledger import Ledger
from pipeline.model.article import CitedWork


def test_nothing_is_claimed_that_the_sweep_does_not_find_due(ledger: Ledger) -> None:
    bench = Bench(ledger, "partner", "other")
    bench.pubmed.papers["1"] = paper("1")
    bench.pubmed.down = bench.converter.down = True
    bench.partner.mood = "down"
    bench.publish(article("wrong"))
    bench.publish(article("cites", pmids=["1", "2"]))
    bench.publish(structs.replace(article("cites-a-doi"), references=(CitedWork("doi", "10.1000/x"),)))
    changes = {20: lambda: bench.withdraw("wrong"), 40: lambda: bench.publish(article("cites", text="Move."))}
    claimed = 0
    for step in range(120):
        changes.get(step, lambda: None)()
        bench.partner.mood = "down" if step < 50 else "refuses" if step < 70 else "well"
        bench.pubmed.down = bench.converter.down = step < 30
        due = bench.due()
        done = sum(bench.drained(stage) for stage in bench.worked)
        assert due or not done, f"at step {step}"
        claimed += done
        bench.clock.pass_(10)
    assert claimed > 20
    assert bench.partner.last("wrong").event == "withdrawn"
