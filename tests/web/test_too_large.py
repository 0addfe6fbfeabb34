"""A body above the limit is refused with a problem, whether its size is announced or found out."""

from __future__ import annotations

import asyncio
from pathlib import Path

from asgi import send
from served import served

from pipeline.web.v1.events import MAX_BODY


def test_a_body_above_the_limit_is_refused_with_a_problem_whether_its_size_is_announced_or_not(tmp_path: Path) -> None:
    body = b"x" * (MAX_BODY + 1)
    sizes: list[dict[str, str]] = [{}, {"content-length": str(len(body))}]
    with served(tmp_path) as site:
        for size in sizes:
            headers = {"authorization": "Bearer cms", **size}
            answer = asyncio.run(send(site.app, "POST", "/v1/events", body=body, headers=headers))
            assert (answer.status, answer.code, answer.headers["connection"]) == (413, "event-too-large", "close")
