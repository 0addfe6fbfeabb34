"""What the commands, the API and the console can change: each can be done everywhere, or there is a reason why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
import typer
from fastapi.routing import iter_route_contexts
from served import served

from workers.cli.app import app

API, CONSOLE = "API", "console"
ONE_HOST = "it acts on files, settings or processes of the host, which the web server does not change"
PARTNERS = "- partners have neither: operators have the same for every channel"
SHELL, TOKEN = "- the shell is the command's", "- every request has a token"
BROWSER = "- a browser makes the passkey"
INVITES = "who may let people in can do everything: that takes a shell on the host"
# What can be done: the command, the address of the API, the address of the console; or why there is none.
ACTIONS: dict[str, tuple[str, str, str]] = {
    "publish": ("publish", "POST /v1/events", "POST /console/publish/{upload_id}"),
    "upload what is to be looked at": ("publish", "POST /v1/events", "POST /console/publish"),
    "take hooks of a CMS": ("- a CMS sends them", "POST /v1/hooks/ghost", "- a CMS sends them"),
    "take hooks of another CMS": ("- a CMS sends them", "POST /v1/hooks/wordpress", "- a CMS sends them"),
    "read a stream": ("listen-stream", "- it reads by itself", "- it reads by itself"),
    "watch a folder": ("watch", f"- {ONE_HOST}", f"- {ONE_HOST}"),
    "withdraw": ("withdraw", "POST /v1/events", "POST /console/articles/{article_id}/withdraw"),
    "publish again": ("refresh", "POST /v1/articles/{article_id}/again", "POST /console/articles/{article_id}/again"),
    "change when it goes live": (
        "schedule",
        "POST /v1/articles/{article_id}/schedule",
        "POST /console/articles/{article_id}/schedule",
    ),
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
    "replay since": ("replay", "POST /v1/deliveries/replay", "POST /console/channels/{channel}/replay"),
    "replay a cause": ("replay", "POST /v1/failures/{key}/replay", "POST /console/failures/{key}/replay"),
    "note a cause": ("failures", "POST /v1/failures/{key}/note", "POST /console/failures/{key}/note"),
    "dismiss a cause": ("failures", "POST /v1/failures/{key}/dismiss", "POST /console/failures/{key}/dismiss"),
    "reopen a cause": ("failures", "POST /v1/failures/{key}/reopen", "POST /console/failures/{key}/reopen"),
    "enable a channel": ("replay", "POST /v1/channels/{channel}/enable", "POST /console/channels/{channel}/enable"),
    "choose all that match": ("articles", "POST /v1/bulk", "POST /console/bulk"),
    "act on all that match": (
        "articles",
        "POST /v1/bulk/{operation_id}/start",
        "POST /console/bulk/{operation}/start",
    ),
    "pause a channel": (
        "channels pause",
        "POST /v1/channels/{channel}/pause",
        "POST /console/channels/{channel}/pause",
    ),
    "resume a channel": (
        "channels resume",
        "POST /v1/channels/{channel}/resume",
        "POST /console/channels/{channel}/resume",
    ),
    "test a channel": (
        "channels test",
        "POST /v1/channels/{channel}/test",
        "POST /console/channels/{channel}/test",
    ),
    "test all channels": ("trigger", "- ask for each", "- press the button of each"),
    "rotate a secret": (
        "channels rotate",
        "POST /v1/channels/{channel}/secret/rotate",
        "POST /console/channels/{channel}/secret/rotate",
    ),
    "end former secrets": (
        "channels end-former",
        "POST /v1/channels/{channel}/secret/end-former",
        "POST /console/channels/{channel}/secret/end-former",
    ),
    "sign with the settings' secret again": (
        "channels drop-secret",
        "POST /v1/channels/{channel}/secret/drop",
        "POST /console/channels/{channel}/secret/drop",
    ),
    "sign in": (SHELL, TOKEN, "POST /console/sign-in"),
    "sign out": (SHELL, TOKEN, "POST /console/sign-out"),
    "end a session": ("sessions end", TOKEN, "POST /console/sessions/{session}/end"),
    "sign out everywhere": ("sessions end", TOKEN, "POST /console/sessions/end"),
    "ask for a passkey": (SHELL, TOKEN, "POST /console/sign-in/passkey"),
    "sign in with a passkey": (SHELL, TOKEN, "POST /console/sign-in/passkey/answer"),
    "invite somebody": ("passkeys invite", TOKEN, f"- {INVITES}"),
    "look at an invitation": (BROWSER, TOKEN, "POST /console/join/begin"),
    "accept an invitation": (BROWSER, TOKEN, "POST /console/join"),
    "ask for a new passkey": (BROWSER, TOKEN, "POST /console/passkeys/begin"),
    "add a passkey": (BROWSER, TOKEN, "POST /console/passkeys"),
    "remove a passkey": ("passkeys remove", TOKEN, "POST /console/passkeys/{passkey}/remove"),
    "make recovery codes": ("- they are for one person's eyes", TOKEN, "POST /console/passkeys/codes"),
    "subscribe": ("- readers do it", "POST /hub", "- readers do it"),
    "replay one as its partner": (PARTNERS, "POST /partners/{channel}/deliveries/{delivery_id}/replay", PARTNERS),
    "replay since as a partner": (PARTNERS, "POST /partners/{channel}/replay", PARTNERS),
    "test a channel as its partner": (PARTNERS, "POST /partners/{channel}/test", PARTNERS),
    "check a signature": (PARTNERS, "POST /partners/{channel}/signature", PARTNERS),
    "pause a channel as its partner": (PARTNERS, "POST /partners/{channel}/pause", PARTNERS),
    "resume a channel as its partner": (PARTNERS, "POST /partners/{channel}/resume", PARTNERS),
    "rotate a secret as its partner": (PARTNERS, "POST /partners/{channel}/secret/rotate", PARTNERS),
    "end former secrets as a partner": (PARTNERS, "POST /partners/{channel}/secret/end-former", PARTNERS),
    "ask about a paper again": (
        "references",
        "POST /v1/references/{pmid}/recheck",
        "POST /console/references/{pmid}/recheck",
    ),
    "pages that are not there": ("- not an action", "- not an action", "POST /console/{rest:path}"),
} | {
    name: (name, f"- {reason}", f"- {reason}")
    for name, reason in {
        **dict.fromkeys(("apply", "backup", "restore", "migrate", "up", "worker", "web"), ONE_HOST),
        "token create": "who may make tokens can do everything: that takes a shell on the host",
        "token revoke": "as creating one",
        "reload": "a signal to the processes of one host, whose file it reads: no web server may send one, and a site"
        " that runs on several hosts reloads each; the console says when settings on disk are not in force",
        "channels fill": "it renders and schedules the whole archive page by page, which lasts longer than a request"
        " may; it follows a change of settings, which is made on the host",
        "channels forget": "it follows a change of settings, which is made on the host",
        "channels replace": "as channels forget",
        "places empty": "as channels forget",
        "places give-up": "as channels forget",
        "reconcile": "it may read for hours",
    }.items()
}
# What can be looked at: as above.
READS: dict[str, tuple[str, str, str]] = {
    "what needs a person": ("attention", "GET /v1/attention", "GET /console"),
    "what goes on": ("top", "GET /v1/now", "GET /console/now"),
    "what is to come": ("calendar", "GET /v1/calendar", "GET /console/calendar"),
    "all articles": ("articles", "GET /v1/articles", "GET /console/articles"),
    "an article": ("status", "GET /v1/articles/{article_id}", "GET /console/articles/{article_id}"),
    "its revisions": (
        "history",
        "GET /v1/articles/{article_id}/history",
        "GET /console/articles/{article_id}",
    ),
    "what a revision changed, and its way to each place": (
        "history",
        "GET /v1/articles/{article_id}/revisions/{revision}",
        "GET /console/articles/{article_id}/revisions/{revision}",
    ),
    "what its readers see": (
        "show",
        "- anyone may get it at /articles/{id}.{extension}",
        "GET /console/articles/{article_id}/preview/{format}",
    ),
    "what the judge of a format says": (
        "show",
        "GET /v1/articles/{article_id}/renditions/{format}/verdict",
        "GET /console/articles/{article_id}",
    ),
    "what was shown of it once": (
        "status",
        "GET /v1/articles/{article_id}/shown",
        "GET /console/articles/{article_id}/shown",
    ),
    "how much is sent again": (
        "- it says so as it sends",
        "- as the command",
        "GET /console/channels/{channel}/replay",
    ),
    "who has it, before it is withdrawn": (
        "withdraw",
        "- a program has decided before it asks",
        "GET /console/articles/{article_id}/withdraw",
    ),
    "an action on many before it is done": (
        "articles",
        "GET /v1/bulk/{operation_id}",
        "GET /console/bulk/{operation}",
    ),
    "the form to publish": (SHELL, "- the request is the form", "GET /console/publish"),
    "what publishing would do": (
        "publish",
        "- POST /v1/events?dry_run=true says it",
        "GET /console/publish/{upload_id}",
    ),
    "channels": ("channels list", "GET /v1/channels", "GET /console/channels"),
    "how a channel has answered": (
        "channels show",
        "GET /v1/channels/{channel}",
        "GET /console/channels/{channel}",
    ),
    "deliveries of a channel": ("deliveries", "GET /v1/deliveries", "GET /console/channels/{channel}"),
    "a delivery": ("deliveries", "GET /v1/deliveries/{delivery_id}", "GET /console/deliveries/{delivery_id}"),
    "an event": ("operations", "GET /v1/events/{event_id}", "GET /console/operations/{operation}"),
    "failures": ("failures", "GET /v1/failures", "GET /console/failures"),
    "operations": ("operations", "GET /v1/operations", "GET /console/operations"),
    "an operation": ("operations", "GET /v1/operations/{operation_id}", "GET /console/operations/{operation}"),
    "what happens": ("tail", "- ask for what is wanted again", "GET /console/changes"),
    "what a channel is sent, at one's own receiver": (
        "listen",
        "- partners pull their changes, and have a test event sent",
        "- a browser receives nothing",
    ),
    "a recall": ("recall", "GET /v1/recalls/{pmid}", "GET /console/references/{pmid}/recall"),
    "references": ("references", "GET /v1/references", "GET /console/references"),
    "a reference": ("references", "GET /v1/references/{pmid}", "GET /console/references/{pmid}"),
    "feeds": ("feeds", "GET /v1/feeds", "GET /console/feeds"),
    "a feed, and who follows it": ("feeds", "GET /v1/feeds/{feed}", "GET /console/feeds/{feed}"),
    "sessions": (
        "sessions list",
        "- every request has a token, and no session",
        "GET /console/sessions",
    ),
    "passkeys": ("passkeys list", TOKEN, "GET /console/passkeys"),
    "the page of an invitation": (BROWSER, TOKEN, "GET /console/join"),
    "the form to sign in": (SHELL, TOKEN, "GET /console/sign-in"),
    "the way to a provider": (
        SHELL,
        TOKEN,
        "GET /console/sign-in/provider",
    ),
    "the way back from it": (
        SHELL,
        TOKEN,
        "GET /console/sign-in/callback",
    ),
    "what a page is made of": (
        "- not a thing to look at",
        "- not a thing to look at",
        "GET /console/static/{digest}/{name}",
    ),
    "pages that are not there": ("- the command has no pages", "- the API has no pages", "GET /console/{rest:path}"),
    "the description of the API": ("- not for a terminal", "GET /v1/openapi.json", "- for programs"),
} | {
    name: (name, f"- {reason}", f"- {reason}")
    for name, reason in {
        **dict.fromkeys(("check", "doctor", "plan", "lint", "render"), "it looks at files or programs of the host"),
        "places": "/v1/attention and the console say which places need a person",
        "token list": "as token create",
        "completion": "it is for shells",
        "man": "it is for man(1)",
        "secret": "it makes a secret, and looks at nothing",
    }.items()
}


def _commands(group: object, *above: str) -> Iterator[str]:
    for name in group.list_commands(None):  # type: ignore[attr-defined] # typer's own click
        one = group.get_command(None, name)  # type: ignore[attr-defined]
        if hasattr(one, "list_commands"):
            yield from _commands(one, *above, name)
        else:
            yield " ".join((*above, name))


def _named(ways: Mapping[str, tuple[str, str, str]], place: int) -> set[str]:
    return {row[place] for row in ways.values() if not row[place].startswith("- ")}


def test_every_command_is_compared() -> None:
    there = set(_commands(typer.main.get_command(app)))
    assert there == (_named(ACTIONS, 0) | _named(READS, 0)) - {"places"}


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Every method and address of the web server."""
    with served(tmp_path_factory.mktemp("site"), formats=("html",)) as site:
        return {
            f"{method} {one.path}" for one in iter_route_contexts(site.app.routes) for method in one.methods or set()
        }


@pytest.mark.parametrize(("place", "is_its"), [(1, False), (2, True)], ids=[API, CONSOLE])
def test_every_changing_address_is_compared(addresses: set[str], place: int, is_its: bool) -> None:
    there = {one for one in addresses if not one.startswith(("GET ", "HEAD ", "OPTIONS "))}
    assert {one for one in there if one.startswith("POST /console") == is_its} == _named(ACTIONS, place)


@pytest.mark.parametrize(("place", "start"), [(1, "GET /v1/"), (2, "GET /console")], ids=[API, CONSOLE])
def test_every_page_is_compared(addresses: set[str], place: int, start: str) -> None:
    assert {one for one in addresses if one.startswith(start)} == _named(READS, place)


def test_each_difference_has_its_reason() -> None:
    for action, row in [*ACTIONS.items(), *READS.items()]:
        missing = [cell for cell in row if cell.startswith("- ")]
        assert all(len(cell) > 10 for cell in missing), action
        assert len(missing) < len(row), f"nothing can {action}"
