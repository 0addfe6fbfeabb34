"""The attackers' process, apart from the honest clients and at a lower priority: what it costs is not what is measured.

It prints the port of its partner, and then obeys lines of JSON: {"attacks", "conducts", "seed"} begins an attack, {}
ends it, which is answered with what was seen meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "fuzz")]

from hostile_clients import BY_NAME, Target  # noqa: E402  (after the paths that these modules need)
from hostile_partner import HostilePartner  # noqa: E402

_NICE = 10


class Attacker:
    def __init__(self, partner: HostilePartner, target: Target) -> None:
        self._partner, self._target = partner, target
        self._running: list[asyncio.Task[None]] = []

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        if order:
            self._partner.conducts = order["conducts"]
            for name in order["attacks"]:
                chance = random.Random(f"{order['seed']} {name}")
                self._running.append(asyncio.create_task(BY_NAME[name](self._target, chance)))
            return {}
        for task in self._running:
            task.cancel()
        done = await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()
        self._partner.behave()
        failed = [repr(one) for one in done if one is not None and not isinstance(one, asyncio.CancelledError)]
        return {
            "counts": self._target.counts,
            "partner": self._partner.requests,
            "wrong": [*self._target.wrong, *failed],
        }


async def serve(folder: Path, seed: int) -> None:
    with contextlib.ExitStack() as stack:
        heard = defaultdict(lambda: stack.enter_context((folder / "heard-by-nobody").open("ab")))
        for who in ("one", "two", "three", "hub", "trap"):
            heard[who] = stack.enter_context((folder / f"heard-by-{who}").open("ab", buffering=0))
        partner = HostilePartner(heard, seed)
        await partner.start()
        print(json.dumps({"port": partner.port}), flush=True)
        answers, to_author = (
            stack.enter_context((folder / f"answers-to-{who}").open("ab", buffering=0))
            for who in ("strangers", "the-author")
        )
        given = json.loads(await _line())
        callbacks = f"http://127.0.0.1:{partner.port}"
        watched = Path(given.pop("watched"))
        target = Target(**given, watched=watched, callbacks=callbacks, answers=answers, answers_to_author=to_author)
        attacker = Attacker(partner, target)
        while line := await _line():
            print(json.dumps(await attacker.obey(json.loads(line))), flush=True)


async def _line() -> str:
    return await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


if __name__ == "__main__":
    os.nice(_NICE)
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
