"""A backup made while the system runs, and restored after a withdrawal."""

from __future__ import annotations

from pathlib import Path

import running
from running import Running, article
from waiting import until

NOBODY = "http://127.0.0.1:9/entrez/eutils/"


def test_what_was_withdrawn_after_the_backup_is_never_shown_or_sent_again(tmp_path: Path) -> None:
    with running.system(tmp_path, pubmed=NOBODY) as system:
        for name in ("stays", "wrong"):
            assert system.publish(article(tmp_path, name)).status == 0, system.tail()
        made = system.run("backup", tmp_path / "all.backup", "--with-store")
        assert (made.status, "2 articles" in made.out) == (0, True), made.err
        assert system.run("withdraw", "wrong", "--reason", "Wrong dose.", "--wait").status == 0
        assert system.publish(article(tmp_path, "later")).status == 0
        assert system.run("restore", tmp_path / "all.backup").status == 2  # while it runs
        system.stop()
        system.up = None

        answer = system.run("restore", tmp_path / "all.backup")

        assert answer.status == 0, answer.err
        assert "beyond the backup: later: revision 1, live, in the former ledger; not in the backup" in answer.out
        assert "beyond the backup: wrong" not in answer.out, "its withdrawal was repeated, after the one that was made"
        assert "later.ninjs has revision 1" in answer.out
        system.start()
        assert shown(system, "stays") == shown(system, "wrong") == 503
        refused = system.run("restore", "--resume")
        assert (refused.status, "restore-undecided" in refused.err) == (2, True)
        assert system.run("restore", "--accept", "later").status == 0
        assert system.run("restore", "--resume").status == 0
        until(lambda: shown(system, "stays") == 200)
        until(lambda: shown(system, "wrong") == 410)
        assert "Wrong dose." in "".join(path.read_text() for path in (tmp_path / "out").glob("wrong.*"))


def shown(system: Running, name: str) -> int:
    return system.get(f"/articles/{name}").status_code
