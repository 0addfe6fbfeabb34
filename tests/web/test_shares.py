"""However many requests a client sends at once, few are worked on at a time, and others do not wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from pipeline.web.shares import Shares

START: Message = {"type": "http.response.start", "status": 200, "headers": []}
REQUEST: Message = {"type": "http.request", "body": b"", "more_body": False}


class App:
    """Works on each request until it is told to go on, and notes which are being worked on."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.working: set[str] = set()
        self.most = 0
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"]
        self.begun.append(name)
        self.working.add(name)
        self.most = max(self.most, len(self.working))
        await self.go_on.wait()
        self.working.remove(name)
        await send(START)


def played(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def run() -> None:
        asyncio.run(test())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def nothing(_: Message) -> None:
    pass


async def arrived() -> Message:
    return REQUEST


def ask(
    shares: Shares, path: str, client: str | None = "192.0.2.1", receive: Receive = arrived, send: Send = nothing
) -> asyncio.Task[None]:
    scope = {"type": "http", "path": path, "client": (client, 1) if client else None}

    async def request() -> None:
        await shares(scope, receive, send)

    return asyncio.create_task(request())


async def settle() -> None:
    """Let everything go on as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


@played
async def test_few_requests_of_a_client_are_worked_on_at_once_and_all_are_answered_in_order() -> None:
    app = App()
    shares = Shares(app, at_a_time=4)
    asked = [ask(shares, str(number)) for number in range(10)]
    await settle()
    assert app.working == {"0", "1", "2", "3"}
    app.go_on.set()
    await asyncio.gather(*asked)
    assert app.begun == [str(number) for number in range(10)]
    assert app.most == 4
    assert shares.clients == 0


@played
async def test_another_client_does_not_wait_and_a_64_is_one_client() -> None:
    app = App()
    shares = Shares(app, at_a_time=1)
    asked = [
        ask(shares, "theirs", "2001:db8::1"),
        ask(shares, "theirs too", "2001:db8::ffff"),
        ask(shares, "the neighbour's", "2001:db8:0:1::1"),
        ask(shares, "of a reader", "192.0.2.7"),
    ]
    await settle()
    assert app.working == {"theirs", "the neighbour's", "of a reader"}
    app.go_on.set()
    await asyncio.gather(*asked)


@played
async def test_clients_that_are_not_known_are_not_taken_for_one() -> None:
    app = App()
    shares = Shares(app, at_a_time=1)
    asked = [ask(shares, str(number), None) for number in range(3)]
    await settle()
    assert len(app.working) == 3
    app.go_on.set()
    await asyncio.gather(*asked)


@played
async def test_a_probe_is_answered_while_every_turn_of_its_client_is_taken() -> None:
    app = App()
    shares = Shares(app, at_a_time=1)
    asked = [ask(shares, path) for path in ("/articles/a", "/articles/b", "/healthz", "/readyz")]
    await settle()
    assert app.working == {"/articles/a", "/healthz", "/readyz"}
    app.go_on.set()
    await asyncio.gather(*asked)


@played
async def test_a_body_that_does_not_arrive_takes_no_turn() -> None:
    begun, whole = [], asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        begun.append(scope["path"])
        await send(START)

    async def drip() -> Message:
        await whole.wait()
        return REQUEST

    shares = Shares(app, at_a_time=1)
    slow = [ask(shares, f"slow {number}", receive=drip) for number in range(3)]
    await settle()
    await ask(shares, "quick")
    assert begun == ["quick"]
    whole.set()
    await asyncio.gather(*slow)
    assert begun == ["quick", "slow 0", "slow 1", "slow 2"]


@played
async def test_an_answer_that_is_being_sent_takes_no_turn() -> None:
    taken = asyncio.Event()

    async def slowly(_: Message) -> None:
        await taken.wait()

    app = App()
    app.go_on.set()
    shares = Shares(app, at_a_time=1)
    slow = [ask(shares, f"slow {number}", send=slowly) for number in range(3)]
    await settle()
    assert app.begun == ["slow 0", "slow 1", "slow 2"]
    taken.set()
    await asyncio.gather(*slow)


@played
async def test_what_waits_for_its_client_to_leave_takes_its_turn_again_for_what_follows() -> None:
    """As a long poll does: see pipeline/web/waiting.py."""
    came, gone = asyncio.Event(), asyncio.Event()
    worked: list[str] = []
    go_on = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "poll":
            left = asyncio.create_task(call(receive))
            await came.wait()
            left.cancel()
            await asyncio.gather(left, return_exceptions=True)
        worked.append(scope["path"])
        await go_on.wait()
        await send(START)

    async def call(receive: Receive) -> None:
        await receive()

    async def leaving() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    shares = Shares(app, at_a_time=1)
    asked = [ask(shares, "poll", receive=leaving), ask(shares, "other"), ask(shares, "third")]
    await settle()
    assert worked == ["other"]
    came.set()
    await settle()
    assert worked == ["other"], "it waits behind the others for its turn"
    go_on.set()
    await asyncio.gather(*asked)
    assert worked == ["other", "third", "poll"]
    assert shares.clients == 0


@pytest.mark.parametrize("which", ["the one that works", "one that waits"])
def test_a_request_that_is_ended_leaves_its_turn_to_the_next(which: str) -> None:
    async def test() -> None:
        app = App()
        shares = Shares(app, at_a_time=1)
        first, second, third = (ask(shares, name) for name in ("first", "second", "third"))
        await settle()
        ended = first if which == "the one that works" else second
        ended.cancel()
        await settle()
        app.go_on.set()
        await asyncio.gather(first, second, third, return_exceptions=True)
        assert ended.cancelled()
        assert app.begun == (["first", "second", "third"] if ended is first else ["first", "third"])
        assert shares.clients == 0

    asyncio.run(test())


@played
async def test_a_failing_request_leaves_its_turn_to_the_next() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "bad":
            raise ZeroDivisionError
        await send(START)

    shares = Shares(app, at_a_time=1)
    bad, good = ask(shares, "bad"), ask(shares, "good")
    await asyncio.gather(bad, good, return_exceptions=True)
    assert isinstance(bad.exception(), ZeroDivisionError)
    assert good.exception() is None
    assert shares.clients == 0
