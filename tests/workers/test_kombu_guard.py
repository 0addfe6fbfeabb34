from __future__ import annotations

import pytest
import redis.exceptions
from kombu.transport.redis import Channel

import workers.celery  # puts the guard in place


def test_a_connection_that_was_lost_is_an_error_that_a_worker_survives() -> None:
    lost = Channel.__new__(Channel)
    lost.connection = type("Gone", (), {"client": None})()
    lost._closed = True
    with pytest.raises(redis.exceptions.ConnectionError):
        lost._connparams()


def test_messages_are_json_and_hold_no_results() -> None:
    conf = workers.celery.app.conf
    assert (conf.task_serializer, conf.accept_content, conf.task_ignore_result) == ("json", ["json"], True)
    assert conf.broker_transport_options["visibility_timeout"] > conf.task_time_limit
