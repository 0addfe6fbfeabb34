"""`citewire articles --do …` has the workers do something with all articles that it would list."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import at_site, citewire

TEXT = "---\nid: {name}\ntitle: About {name}\n---\nRest, and wait.\n"


@pytest.fixture(autouse=True)
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    at_site(tmp_path, monkeypatch)
    for name in ("sleep", "pain"):
        Path(f"{name}.md").write_text(TEXT.format(name=name))
        assert citewire(capsys, "publish", f"{name}.md").status == 0


def test_what_is_to_be_done_with_all_that_match_waits_for_the_workers(capsys: pytest.CaptureFixture[str]) -> None:
    said = citewire(capsys, "articles", "--query", "sleep", "--do", "withdraw", "--reason", "Wrong.", "--json")
    assert (said.status, said.json["count"]) == (0, 1)
    operation = citewire(capsys, "operations", said.json["operation"], "--json").json
    assert (operation["kind"], operation["by"]) == ("withdraw", "citewire articles")
    assert (operation["planned"], operation["state"], operation["parts"]) == (1, "running", [])
    shown = citewire(capsys, "articles", "--do", "publish-again", "--yes")
    assert "publish-again 2 articles, as they were now" in shown.out
    assert "citewire operations op_" in shown.err


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (("--do", "withdraw"), 2, "invalid-event"),
        (("--do", "replay", "--query", "nothing of the kind"), 2, "nothing-matches"),
        (("--reason", "Wrong."), 2, "nothing-named"),
        (("--do", "replay", "--channel", "nobody"), 4, "unknown-channel"),
    ],
)
def test_what_cannot_be_done_says_why(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], status: int, code: str
) -> None:
    said = citewire(capsys, "articles", *words)
    assert (said.status, f"[{code}]" in said.err) == (status, True)
