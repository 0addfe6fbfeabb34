"""Each client's share of the process: so many of its requests are worked on at once, and the others wait their turn.

One event loop answers everyone. Sixty requests that one client sends together would all be begun at once, and whoever
comes next would wait for a part of each (ADR 0077). A request that waits for its client or for something to happen is
not being worked on, so it takes no turn then: not while its body arrives, not while it long-polls, and not once its
answer has begun.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.web.clients import UNKNOWN, client_of

AT_A_TIME = 4  # requests of a client; more at a time are not answered sooner, because they share the interpreter
_PROBES = ("/healthz", "/readyz")  # which must be answered however long a database keeps other requests of their client


class Shares:
    """Middleware that gives turns. Probes need none, nor do requests whose client is not known, as on a Unix socket."""

    def __init__(self, app: ASGIApp, *, at_a_time: int = AT_A_TIME) -> None:
        self.app = app
        self._at_a_time = at_a_time
        self._turns: dict[str, _Turns] = {}

    @property
    def clients(self) -> int:
        """How many clients have a request that has no answer yet."""
        return len(self._turns)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = client_of(scope["client"][0]) if scope["type"] == "http" and scope.get("client") else UNKNOWN
        if client == UNKNOWN or scope["path"] in _PROBES:
            await self.app(scope, receive, send)
            return
        turns = self._turns.setdefault(client, _Turns(self._at_a_time))
        turns.requests += 1
        turn = _Turn(turns, receive, send)
        try:
            await turn.begin()
            await self.app(scope, turn.receive, turn.send)
        finally:
            turn.end()
            turns.requests -= 1
            if not turns.requests:
                del self._turns[client]


class _Turns(asyncio.Semaphore):
    """The turns of one client, which are given in the order in which they are asked for."""

    requests = 0  # which have or may want a turn


class _Turn:
    """The turn of one request, with the `receive` and `send` that give it back."""

    def __init__(self, turns: _Turns, receive: Receive, send: Send) -> None:
        self._turns, self._receive, self._send = turns, receive, send
        self._has, self._answers = False, False

    async def begin(self) -> None:
        await self._turns.acquire()
        self._has = True

    def end(self) -> None:
        if self._has:
            self._turns.release()
            self._has = False

    async def receive(self) -> Message:
        """Wait for more of the body, or for the client to leave: what waits for something else does this meanwhile."""
        if self._answers or not self._has:
            return await self._receive()
        self.end()
        try:
            return await self._receive()
        finally:
            if not self._answers:
                await self.begin()

    async def send(self, message: Message) -> None:
        self._answers = True
        self.end()
        await self._send(message)
