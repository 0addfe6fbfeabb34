"""The master of the queue is killed while articles are published: the Sentinels name another, and all goes on."""

from __future__ import annotations

from pathlib import Path

import redis
from redis_servers import HOST, Server, watched
from running import article, system
from waiting import until

from standins.eutils import EutilsStandin
from workers.reaching import EACH

SECRETS = {"QUEUE_PASSWORD": "hunter2", "SENTINEL_PASSWORD": "hunter3"}
COUNT = 8


def readers(server: Server) -> list[str]:
    """The processes that wait for messages at this server, by their names."""
    with redis.Redis(HOST, server.port, password=SECRETS["QUEUE_PASSWORD"], decode_responses=True) as client:
        return sorted(one["name"] for one in client.client_list() if one["cmd"] == "brpop")


def test_a_master_that_is_killed_costs_nothing_and_needs_nobody(tmp_path: Path) -> None:
    password, of_sentinels = SECRETS.values()
    with (
        watched(tmp_path, password=password, sentinel_password=of_sentinels) as servers,
        EutilsStandin() as pubmed,
        system(tmp_path, pubmed=pubmed.url, start=False) as running,
    ):
        login = "?password=env:QUEUE_PASSWORD&sentinel_password=env:SENTINEL_PASSWORD"
        running.environment |= SECRETS | {"CITEWIRE_REDIS_URL": servers.url + login}
        running.start()
        before = {process.pid for process in running.session()}
        until(lambda: len(readers(servers.master)) == 2, what=running.tail)
        names = [f"article-{number}" for number in range(COUNT)]
        for name in names[: COUNT // 2]:
            assert running.publish(article(tmp_path, name), wait=False).status == 0, running.tail()
        servers.master.kill()
        for name in names[COUNT // 2 :]:
            assert running.publish(article(tmp_path, name), wait=False).status == 0, running.tail()

        shown = [tmp_path / "out" / f"{name}.ninjs" for name in names]
        until(lambda: all(file.exists() for file in shown), what=running.tail)
        until(lambda: len(readers(servers.replica)) == 2, what=running.tail)
        until(lambda: running.get("/readyz").json()["queue"] is True, what=running.tail)
        check = running.run("check", "--json")
        assert check.status == 0, check.stderr
        queue = check.json["queue"]
        assert (queue["ok"], queue["each"], queue["processes"]) == (True, EACH, 3)

        assert running.run("withdraw", names[0], "--reason", "It was wrong.", "--wait").status == 0, running.tail()
        with redis.Redis(HOST, servers.replica.port, password=password, decode_responses=True) as client:
            until(lambda: not [key for key in client.scan_iter("citewire:*") if client.type(key) == "list"])
            every = [one["name"] for one in client.client_list() if one["name"].startswith("citewire@")]
            assert max(every.count(name) for name in every) <= EACH
        assert {process.pid for process in running.session()} == before, running.tail()
        for secret in SECRETS.values():
            assert secret not in running.log.read_text()
