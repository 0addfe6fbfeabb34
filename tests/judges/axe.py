"""axe-core: what a page has that keeps people with disabilities from using it (WCAG 2.2, A and AA)."""

from __future__ import annotations

from functools import cache
from typing import Any

from judges.presence import NODE_MODULES, file
from playwright.sync_api import Page

_RUN = """async () => {
    const found = await axe.run(document, {resultTypes: ['violations']})
    return found.violations.map(one => `${one.id}: ${one.nodes.map(node => node.html).slice(0, 3).join(' ')}`)
}"""


def axe_violations(page: Page) -> list[str]:
    """Return the violations on a page. The browser's own tools run axe, so that the page's policy does not matter."""
    page.wait_for_load_state()
    session: Any = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": _script()})
    answer = session.send(
        "Runtime.evaluate", {"expression": f"({_RUN})()", "awaitPromise": True, "returnByValue": True}
    )
    assert "exceptionDetails" not in answer, answer
    session.detach()
    found: list[str] = answer["result"]["value"]
    return found


@cache
def _script() -> str:
    return file(NODE_MODULES / "axe-core" / "axe.min.js", hint="run `npm ci`").read_text(encoding="utf-8")
