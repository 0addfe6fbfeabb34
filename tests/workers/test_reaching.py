"""What `citewire check` says of the queue: real servers, with and without TLS, and what can be wrong with them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis
from listeners import accepted, hang_up
from made_keys import Authority
from redis_servers import HOST, NAME, Server, Watched, over_tls, server, watched
from waiting import until

from pipeline.errors import CitewireError, ConfigError
from workers import celery, queue
from workers.doorbell import CeleryDoorbell
from workers.reaching import EACH, reach

SECRET = "hunter2"
NO_PASSWORD = "?password=env:NO_SUCH_QUEUE_PASSWORD"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Server]:
    with over_tls(tmp_path_factory.mktemp("secure"), authority, password=SECRET) as own:
        yield own


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("plain") / "server", {}) as own:
        yield own


@pytest.fixture
def before() -> Iterator[None]:
    """Celery uses the queue again that it used before the test."""
    conf = celery.app.conf
    names = ("broker_url", "broker_user", "broker_password", "broker_use_ssl", "broker_transport_options")
    kept = {name: conf[name] for name in names}
    yield
    celery.app.pool.force_close_all()
    celery.app._pool = None
    celery.app.amqp._producer_pool = None
    conf.update(kept)


def refused(url: str) -> CitewireError:
    with pytest.raises(CitewireError) as caught:
        reach(url)
    assert SECRET not in str(caught.value)
    return caught.value


def test_a_queue_over_tls_is_reached_by_its_name(
    secure: Server, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUEUE_PASSWORD", SECRET)
    found = reach(f"rediss://localhost:{secure.port}/0?ca_file={authority.file}&password=env:QUEUE_PASSWORD")
    assert (found.server.partition(" ")[0], found.processes, found.allowed, found.fits) == ("redis", 0, 10_000, True)
    assert str(found).endswith(f"; 0 processes, up to {EACH} connections each; the server allows 10000")


def test_a_wrong_certificate_is_refused_by_name_with_the_mend(
    secure: Server, authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger")
    error = refused(f"rediss://:{SECRET}@localhost:{secure.port}?ca_file={stranger.file}")
    assert error.code == "queue-certificate-untrusted"
    assert "(name the file with the CA that has signed it: ?ca_file=/etc/…)" in str(error)
    assert refused(f"rediss://:{SECRET}@localhost:{secure.port}").code == "queue-certificate-untrusted"

    error = refused(f"rediss://:{SECRET}@{HOST}:{secure.port}?ca_file={authority.file}")
    assert error.code == "queue-certificate-name"
    assert f"IP address mismatch, certificate is not valid for '{HOST}'" in str(error)
    assert "(name the server as its certificate does, or have one made for this name)" in str(error)


def test_an_expired_certificate_and_one_for_another_host_are_told_apart(authority: Authority, tmp_path: Path) -> None:
    for name, names, days, code in (
        ("late", ("localhost",), -1, "queue-certificate-expired"),
        ("other", ("queue.example.org",), 1, "queue-certificate-name"),
    ):
        (tmp_path / name).mkdir()
        with over_tls(tmp_path / name, authority, *names, days=days) as own:
            assert refused(f"rediss://localhost:{own.port}?ca_file={authority.file}").code == code


def test_a_server_that_asks_for_our_certificate_gets_it(authority: Authority, tmp_path: Path) -> None:
    mine = authority.sign(tmp_path / "mine.pem", "worker.example.org")
    with over_tls(tmp_path, authority, asks_clients=True) as own:
        url = f"rediss://localhost:{own.port}?ca_file={authority.file}"
        assert reach(f"{url}&cert_file={mine}&key_file={mine}").allowed == 10_000
        error = refused(url)
        assert (error.code, "(give cert_file and key_file)" in str(error)) == ("queue-certificate-wanted", True)


def test_tls_on_a_plain_port_and_the_reverse_are_told(plain: Server, secure: Server, authority: Authority) -> None:
    """A server without TLS waits for the rest of what it takes for a command."""
    error = refused(f"rediss://localhost:{plain.port}?ca_file={authority.file}")
    assert error.code == "queue-unreachable"
    assert "(if the port speaks no TLS, write redis:// or sentinel://)" in str(error)
    error = refused(f"redis://localhost:{secure.port}")
    assert error.code == "queue-unreachable"
    assert "(if the port speaks TLS, write rediss:// or sentinels://)" in str(error)


def test_a_port_that_speaks_something_else_is_told() -> None:
    listener = socket.create_server((HOST, 0))

    def greet() -> None:
        for client in accepted(listener):
            with client:
                client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                client.recv(1000)

    thread = threading.Thread(target=greet)
    thread.start()
    error = refused(f"rediss://{HOST}:{listener.getsockname()[1]}")
    hang_up(listener)
    thread.join()
    assert (error.code, "if the port speaks no TLS" in str(error)) == ("queue-tls-failed", True)


def test_files_and_secrets_that_are_not_there_are_named_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    for file in ("missing.pem", "empty.pem"):
        assert refused(f"rediss://127.0.0.1:1?ca_file={tmp_path / file}").code == "queue-file-unusable"
    for url in ("redis://127.0.0.1:1", f"sentinel://127.0.0.1:1/{NAME}"):
        error = refused(url + NO_PASSWORD)
        assert (error.code, "redis_url: the environment variable NO_SUCH" in str(error)) == ("secret-missing", True)


def test_a_login_that_is_refused_is_told(secure: Server, authority: Authority) -> None:
    for login in ("", f":{SECRET}2@", f"nobody:{SECRET}@"):
        error = refused(f"rediss://{login}localhost:{secure.port}?ca_file={authority.file}")
        assert (type(error), error.code) == (ConfigError, "queue-refused")


def test_a_user_that_may_not_ask_what_the_server_is_can_use_it(tmp_path: Path) -> None:
    with server(tmp_path / "server", {}) as own:
        with own.client() as client:
            client.acl_setuser("us", enabled=True, passwords=[f"+{SECRET}"], keys=["*"], commands=["+@all", "-info"])
        found = reach(f"redis://us:{SECRET}@{HOST}:{own.port}")
        assert (found.server, found.allowed, found.fits) == ("it answers", None, True)


def test_a_doorbell_rings_over_tls_and_no_url_of_celery_holds_the_password(
    secure: Server, authority: Authority, before: None
) -> None:
    url = f"rediss://:{SECRET}@localhost:{secure.port}/2?ca_file={authority.file}"
    celery.use(url)
    CeleryDoorbell(celery.app, url).ring("render")
    with closing(queue.connect(url)) as client:
        assert client.llen("citewire:render") == 1
    with closing(celery.app.connection_for_read()) as connection:
        assert SECRET not in f"{celery.app.conf.broker_url} {connection.as_uri()} {connection.info()['alternates']}"


@pytest.fixture(scope="module")
def sentinels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with watched(tmp_path_factory.mktemp("sentinels")) as own:
        yield own


def test_the_master_is_found_through_sentinels_of_which_one_is_silent(sentinels: Watched) -> None:
    host = f"{HOST}:{sentinels.sentinels[0].port}"
    found = reach(f"sentinel://127.0.0.1:1,{host}/{NAME}")
    assert found.server.startswith("valkey ")
    assert [one.partition(": ")[0] for one in found.silent] == ["127.0.0.1:1"]
    assert "no answer from the Sentinel 127.0.0.1:1: " in str(found)


def test_sentinels_that_do_not_know_the_name_or_do_not_answer_are_told_apart(sentinels: Watched) -> None:
    error = refused(sentinels.url.replace(f"/{NAME}", "/other"))
    assert (type(error), error.code) == (ConfigError, "queue-master-unknown")
    assert "`sentinel monitor`" in str(error)
    assert refused(f"sentinel://127.0.0.1:1,127.0.0.1:2/{NAME}").code == "queue-unreachable"


def test_a_replica_is_no_queue(sentinels: Watched) -> None:
    error = refused(f"redis://{HOST}:{sentinels.replica.port}")
    assert (error.code, "sentinel://host:26379/NAME" in str(error)) == ("queue-read-only", True)


def test_threads_wait_for_a_connection_and_no_more_are_opened_than_the_limit(sentinels: Watched) -> None:
    threads = 2 * queue.CONNECTIONS
    together, failed = threading.Barrier(threads, timeout=60), list[Exception]()

    def work(client: redis.Redis) -> None:
        together.wait()
        try:
            for _ in range(20):
                client.incr("counted")
        except redis.RedisError as error:
            failed.append(error)

    for url in (sentinels.url, f"redis://{HOST}:{sentinels.master.port}"):
        with closing(queue.connect(url)) as client:
            own = [threading.Thread(target=work, args=(client,)) for _ in range(threads)]
            for thread in own:
                thread.start()
            for thread in own:
                thread.join()
            names = [one["name"] for one in client.client_list()]
            assert 0 < names.count(queue.name_of_process()) <= queue.CONNECTIONS
            assert client.getdel("counted") == str(20 * threads)
    assert failed == []


def test_attempts_while_no_sentinel_answers_leave_nothing_behind() -> None:
    with closing(queue.connect(f"sentinel://127.0.0.1:1/{NAME}")) as client:
        for _ in range(10):
            with pytest.raises(redis.ConnectionError):
                client.ping()
        pool: Any = client.connection_pool
        assert len(pool._connections) == 1


def test_a_client_follows_the_master(tmp_path: Path) -> None:
    with watched(tmp_path) as own, closing(queue.connect(own.url)) as client:
        client.set("written", "before")
        former = own.master_port()
        with own.sentinels[0].client() as sentinel:
            until(lambda: _fails_over(sentinel))
        until(lambda: own.master_port() != former)

        def written() -> bool:
            try:
                return bool(client.set("written", "after"))
            except redis.RedisError:
                return False

        with own.replica.client() as now_master:  # a former master takes writes, and loses them, until it is told
            until(lambda: written() and now_master.get("written") == "after")


def _fails_over(sentinel: redis.Redis) -> bool:
    try:
        return bool(sentinel.execute_command("SENTINEL", "FAILOVER", NAME))
    except redis.ResponseError:  # the Sentinels have not agreed on the replica's state yet
        return False
