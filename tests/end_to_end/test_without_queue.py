"""Without its queue the system is slower but complete: the sweep finds the work that no doorbell announced."""

from __future__ import annotations

import shutil
from pathlib import Path

from running import Running, article, system
from waiting import until

from standins.eutils import EutilsStandin


def publish_and_withdraw(running: Running, folder: Path, name: str) -> None:
    """An article reaches the channel's folder, and its withdrawal takes it out of there."""
    assert running.publish(article(folder, name)).status == 0, running.tail()
    shown = folder / "out" / f"{name}.ninjs"
    until(shown.exists, what=running.tail)
    assert running.run("withdraw", name, "--reason", "It was wrong.").status == 0
    until(lambda: not shown.exists() or b"Rest and stretch" not in shown.read_bytes(), what=running.tail)
    until(lambda: running.status(name)["deliveries"][0]["state"] == "delivered", what=running.tail)


def test_a_system_whose_queue_can_never_start_comes_up_and_delivers(tmp_path: Path) -> None:
    """A socket's path may have 107 bytes: below this folder there is none that Valkey could open."""
    long = tmp_path / ("x" * 110)
    long.mkdir()
    with EutilsStandin() as pubmed, system(tmp_path, pubmed=pubmed.url, start=False) as running:
        running.environment["TMPDIR"] = str(long)
        running.start()
        until(lambda: running.get("/readyz").json()["queue"] is False)
        publish_and_withdraw(running, tmp_path, "sleep")


def test_files_of_an_earlier_queue_do_not_matter_and_one_that_is_lost_is_not_missed(tmp_path: Path) -> None:
    broken = tmp_path / "data" / "valkey" / "appendonlydir"
    broken.mkdir(parents=True)
    (broken / "appendonly.aof.1.incr.aof").write_bytes(bytes(64))
    (broken / "appendonly.aof.manifest").write_bytes(bytes(64))
    with EutilsStandin() as pubmed, system(tmp_path, pubmed=pubmed.url) as running:
        until(lambda: running.get("/readyz").json()["queue"] is True)
        valkey = running.child("valkey-server")
        folder = Path(valkey.cwd())
        (folder / "dump.rdb").write_bytes(bytes(64))  # Valkey reads it, though it never writes one
        valkey.kill()
        until(lambda: running.child("valkey-server").pid != valkey.pid)
        until(lambda: running.get("/readyz").json()["queue"], what=running.tail)
        valkey = running.child("valkey-server")
        shutil.rmtree(folder)
        folder.write_text("in the way of the next start")
        try:
            valkey.kill()
            until(lambda: running.get("/readyz").json()["queue"] is False)
            publish_and_withdraw(running, tmp_path, "sleep")
        finally:
            folder.unlink()
        until(lambda: running.get("/readyz").json()["queue"], what=running.tail)  # Valkey is back by itself
        publish_and_withdraw(running, tmp_path, "rest")
