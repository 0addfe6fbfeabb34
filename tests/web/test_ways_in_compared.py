"""What the commands, the API and the console can change: each can be done everywhere, or there is a reason why not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from fastapi.routing import iter_route_contexts
from served import served

from workers.cli.app import app

API, CONSOLE = "API", "console"
ONE_HOST = "it acts on files, settings or processes of the host, which the web server does not change"
# What can be done: the command, the address of the API, the address of the console; or why there is none.
ACTIONS: dict[str, tuple[str, str, str]] = {
    "publish": ("publish", "POST /v1/events", "- an upload is not there yet: publish by command or API"),
    "take hooks of a CMS": ("- a CMS sends them", "POST /v1/hooks/ghost", "- a CMS sends them"),
    "take hooks of another CMS": ("- a CMS sends them", "POST /v1/hooks/wordpress", "- a CMS sends them"),
    "read a stream": ("listen-stream", "- it reads by itself", "- it reads by itself"),
    "watch a folder": ("watch", f"- {ONE_HOST}", f"- {ONE_HOST}"),
    "withdraw": ("withdraw", "POST /v1/events", "POST /console/articles/{article_id}/withdraw"),
    "publish again": ("refresh", "POST /v1/articles/{article_id}/again", "POST /console/articles/{article_id}/again"),
    "release": (
        "release",
        "POST /v1/articles/{article_id}/release",
        "POST /console/articles/{article_id}/release",
    ),
    "undo": ("undo", "POST /v1/operations/{operation_id}/undo", "POST /console/operations/{operation}/undo"),
    "replay one": (
        "replay",
        "POST /v1/deliveries/{delivery_id}/replay",
        "POST /console/articles/{article_id}/replay",
    ),
    "replay since": ("replay", "POST /v1/deliveries/replay", "- a partner asks for it once in years: use the command"),
    "replay a cause": ("replay", "POST /v1/failures/{key}/replay", "POST /console/failures/{key}/replay"),
    "note a cause": ("failures", "POST /v1/failures/{key}/note", "POST /console/failures/{key}/note"),
    "dismiss a cause": ("failures", "POST /v1/failures/{key}/dismiss", "POST /console/failures/{key}/dismiss"),
    "reopen a cause": ("failures", "POST /v1/failures/{key}/reopen", "POST /console/failures/{key}/reopen"),
    "enable a channel": ("replay", "POST /v1/deliveries/replay", "POST /console/channels/{channel}/enable"),
    "choose all that match": ("articles", "POST /v1/bulk", "POST /console/bulk"),
    "act on all that match": (
        "articles",
        "POST /v1/bulk/{operation_id}/start",
        "POST /console/bulk/{operation}/start",
    ),
    "pause a channel": ("channels pause", "- people do it", "POST /console/channels/{channel}/pause"),
    "resume a channel": ("channels resume", "- people do it", "POST /console/channels/{channel}/resume"),
    "sign in": ("- the shell is the command's", "- every request has a token", "POST /console/sign-in"),
    "sign out": ("- the shell is the command's", "- every request has a token", "POST /console/sign-out"),
    "end a session": ("sessions end", "- every request has a token", "POST /console/sessions/{session}/end"),
    "sign out everywhere": ("sessions end", "- every request has a token", "POST /console/sessions/end"),
    "subscribe": ("- readers do it", "POST /hub", "- readers do it"),
    "pages that are not there": ("- not an action", "- not an action", "POST /console/{rest:path}"),
} | {
    name: (name, f"- {reason}", f"- {reason}")
    for name, reason in {
        **dict.fromkeys(("apply", "reload", "backup", "restore", "migrate", "up", "worker", "web"), ONE_HOST),
        "token create": "who may make tokens can do everything: that takes a shell on the host",
        "token revoke": "as creating one",
        "channels test": "it uses the settings on disk, before they are in force",
        "channels fill": "it follows a change of settings, which is made on the host",
        "channels forget": "as channels fill",
        "channels replace": "as channels fill",
        "places empty": "as channels fill",
        "places give-up": "as channels fill",
        "reconcile": "it may read for hours",
        "references": "they are asked again by themselves every day",
    }.items()
}
READS = {  # what commands show; the console and the API have pages and addresses of their own for most
    "articles", "attention", "channels list", "check", "completion", "deliveries", "doctor", "lint",
    "operations", "places", "plan", "recall", "render", "secret", "sessions list", "status", "tail",
    "token list",
}  # fmt: skip


def _commands(group: object, *above: str) -> Iterator[str]:
    for name in group.list_commands(None):  # type: ignore[attr-defined] # typer's own click
        one = group.get_command(None, name)  # type: ignore[attr-defined]
        if hasattr(one, "list_commands"):
            yield from _commands(one, *above, name)
        else:
            yield " ".join((*above, name))


def _named(place: int) -> set[str]:
    return {row[place] for row in ACTIONS.values() if not row[place].startswith("- ")}


def test_every_command_is_compared() -> None:
    there = set(_commands(typer.main.get_command(app)))
    assert there == (_named(0) | READS) - {"places"}


@pytest.mark.parametrize(("place", "is_its"), [(1, False), (2, True)], ids=[API, CONSOLE])
def test_every_changing_address_is_compared(tmp_path: Path, place: int, is_its: bool) -> None:
    with served(tmp_path, formats=("html",)) as site:
        there = {
            f"{method} {one.path}"
            for one in iter_route_contexts(site.app.routes)
            for method in (one.methods or set()) - {"GET", "HEAD", "OPTIONS"}
        }
    assert {one for one in there if one.startswith("POST /console") == is_its} == _named(place)


def test_each_difference_has_its_reason() -> None:
    for action, row in ACTIONS.items():
        missing = [cell for cell in row if cell.startswith("- ")]
        assert all(len(cell) > 10 for cell in missing), action
        assert len(missing) < len(row), f"nothing can {action}"
