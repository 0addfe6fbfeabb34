"""Which scope each request needs: the one table for the API and the console, by method and address.

A route without a line is refused, and `create_app` refuses to start with one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts

from pipeline.ledger.bulk import Action
from pipeline.model.roles import Scope

OPEN: Final = frozenset(
    {  # what nobody needs to be known for
        "GET /v1/openapi.json",
        "GET /console/sign-in",
        "POST /console/sign-in",
        "GET /console/sign-in/provider",
        "GET /console/sign-in/callback",
        "POST /console/sign-in/passkey",
        "POST /console/sign-in/passkey/answer",
        "GET /console/join",  # with an invitation
        "POST /console/join/begin",
        "POST /console/join",
        "GET /console/static/{digest}/{name}",
        "GET /console/{rest:path}",
        "POST /console/{rest:path}",
    }
)
NEEDED: Final[Mapping[str, Scope]] = {
    "GET /v1/articles": "read",
    "GET /v1/articles/{article_id}": "read",
    "GET /v1/articles/{article_id}/history": "read",
    "GET /v1/articles/{article_id}/revisions/{revision}": "read",
    "GET /v1/articles/{article_id}/shown": "read",
    "GET /v1/articles/{article_id}/renditions/{format}/verdict": "read",
    "POST /v1/articles/{article_id}/release": "release",
    "POST /v1/articles/{article_id}/again": "replay",
    "POST /v1/articles/{article_id}/schedule": "publish",
    "GET /v1/attention": "read",
    "GET /v1/calendar": "read",
    "POST /v1/bulk": "bulk",  # and the scope of the action
    "GET /v1/bulk/{operation_id}": "bulk",
    "POST /v1/bulk/{operation_id}/start": "bulk",  # and the scope of the action
    "GET /v1/channels": "read",
    "GET /v1/channels/{channel}": "read",
    "POST /v1/channels/{channel}/pause": "channels",
    "POST /v1/channels/{channel}/resume": "channels",
    "POST /v1/channels/{channel}/enable": "channels",
    "POST /v1/channels/{channel}/test": "channels",
    # Whoever has seen a secret can sign with it when their token has ended: as a partner's own token, it is for admins.
    "POST /v1/channels/{channel}/secret/rotate": "partners",
    "POST /v1/channels/{channel}/secret/end-former": "partners",
    "POST /v1/channels/{channel}/secret/drop": "partners",
    "GET /v1/deliveries": "read",
    "GET /v1/deliveries/{delivery_id}": "read",
    "POST /v1/deliveries/replay": "replay",
    "POST /v1/deliveries/{delivery_id}/replay": "replay",
    "POST /v1/events": "publish",
    "GET /v1/events/{event_id}": "read",
    "GET /v1/failures": "read",
    "POST /v1/failures/{key}/replay": "replay",
    "POST /v1/failures/{key}/note": "failures",
    "POST /v1/failures/{key}/dismiss": "failures",
    "POST /v1/failures/{key}/reopen": "failures",
    "GET /v1/feeds": "read",
    "GET /v1/feeds/{feed}": "read",
    "POST /v1/hooks/ghost": "publish",
    "POST /v1/hooks/wordpress": "publish",
    "GET /v1/now": "read",
    "GET /v1/operations": "read",
    "GET /v1/operations/{operation_id}": "read",
    "POST /v1/operations/{operation_id}/undo": "undo",
    "GET /v1/recalls/{pmid}": "read",
    "GET /v1/references": "read",
    "GET /v1/references/{pmid}": "read",
    "POST /v1/references/{pmid}/recheck": "replay",
    "GET /console": "read",
    "GET /console/now": "read",
    "GET /console/articles": "read",
    "GET /console/articles/{article_id}": "read",
    "GET /console/articles/{article_id}/preview/{format}": "read",
    "GET /console/articles/{article_id}/revisions/{revision}": "read",
    "GET /console/articles/{article_id}/shown": "read",
    "GET /console/articles/{article_id}/withdraw": "withdraw",
    "POST /console/articles/{article_id}/withdraw": "withdraw",
    "POST /console/articles/{article_id}/release": "release",
    "POST /console/articles/{article_id}/again": "replay",
    "POST /console/articles/{article_id}/schedule": "publish",
    "POST /console/articles/{article_id}/replay": "replay",
    "POST /console/bulk": "bulk",  # and the scope of the action
    "GET /console/bulk/{operation}": "bulk",
    "POST /console/bulk/{operation}/start": "bulk",  # and the scope of the action
    "GET /console/calendar": "read",
    "GET /console/changes": "read",
    "GET /console/channels": "read",
    "GET /console/channels/{channel}": "read",
    "GET /console/channels/{channel}/replay": "replay",
    "POST /console/channels/{channel}/replay": "replay",
    "POST /console/channels/{channel}/pause": "channels",
    "POST /console/channels/{channel}/resume": "channels",
    "POST /console/channels/{channel}/enable": "channels",
    "POST /console/channels/{channel}/test": "channels",
    "POST /console/channels/{channel}/secret/rotate": "partners",
    "POST /console/channels/{channel}/secret/end-former": "partners",
    "POST /console/channels/{channel}/secret/drop": "partners",
    "GET /console/deliveries/{delivery_id}": "read",
    "GET /console/failures": "read",
    "POST /console/failures/{key}/replay": "replay",
    "POST /console/failures/{key}/note": "failures",
    "POST /console/failures/{key}/dismiss": "failures",
    "POST /console/failures/{key}/reopen": "failures",
    "GET /console/references": "read",
    "GET /console/references/{pmid}": "read",
    "GET /console/references/{pmid}/recall": "read",
    "POST /console/references/{pmid}/recheck": "replay",
    "GET /console/feeds": "read",
    "GET /console/feeds/{feed}": "read",
    "GET /console/operations": "read",
    "GET /console/operations/{operation}": "read",
    "POST /console/operations/{operation}/undo": "undo",
    "GET /console/publish": "publish",
    "POST /console/publish": "publish",
    "GET /console/publish/{upload_id}": "publish",
    "POST /console/publish/{upload_id}": "publish",
    "GET /console/sessions": "read",  # the own ones; those of others need `sessions`
    "POST /console/sessions/end": "read",
    "POST /console/sessions/{session}/end": "read",  # of another person: `sessions`
    "GET /console/passkeys": "read",  # the own ones; those of others need `sessions`
    "POST /console/passkeys": "read",
    "POST /console/passkeys/begin": "read",
    "POST /console/passkeys/codes": "read",
    "POST /console/passkeys/{passkey}/remove": "read",  # of another person: `sessions`
    "POST /console/sign-out": "read",
}
# What an action on many articles needs besides `bulk`: the scope of the same action on one.
OF_ACTION: Final[Mapping[Action, Scope]] = {
    "replay": "replay",
    "publish-again": "replay",
    "release": "release",
    "withdraw": "withdraw",
}
_ROOMS = ("/v1/", "/console")


def needed(request: Request) -> Scope:
    """Return the scope that the request needs. Raises KeyError for a route without a line in the table."""
    return NEEDED[f"{request.method} {request.scope['route'].path}"]


def check_routes(app: FastAPI) -> None:
    """Raise LookupError if a route of the API or the console has no line in the table."""
    if missing := sorted(set(routes(app)) - NEEDED.keys() - OPEN):
        raise LookupError(f"routes without a scope: {', '.join(missing)}")


def routes(app: FastAPI) -> Iterator[str]:
    """Yield each route of the API and the console, as the table names it."""
    for one in iter_route_contexts(app.routes):
        if one.path is not None and one.path.startswith(_ROOMS):
            yield from _named(one.methods or (), one.path)


def _named(methods: Iterable[str], path: str) -> Iterator[str]:
    return (f"{method} {path}" for method in methods if method != "HEAD")
