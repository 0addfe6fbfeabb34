"""The console's pages."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import Response

from pipeline.stages.accept import intake_of
from pipeline.stages.context import Context
from pipeline.web.console import (
    adding_passkeys,
    articles,
    bulk,
    calendar,
    channels,
    deliveries,
    failures,
    feeds,
    joining,
    needs_you,
    now,
    operations,
    own_passkeys,
    passkeys,
    previews,
    provider,
    publish,
    references,
    replays,
    session_list,
    shown,
    signing_in,
    streams,
)
from pipeline.web.console.challenges import Challenges
from pipeline.web.console.live import Live
from pipeline.web.console.pages import Pages, static_file
from pipeline.web.limits import Limiter
from pipeline.web.looked_at import Renditions
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room
from pipeline.web.trying import Trials


def routers(context: Context, limiter: Limiter, live: Live, renditions: Renditions, trials: Trials) -> Iterator[Room]:
    """Yield the rooms of the console. The last one answers any address that is none of the others'."""
    pages, intake = Pages(context), intake_of(context)
    challenges = Challenges(context, pages, limiter)
    yield signing_in.router(context, pages, limiter)
    yield provider.router(context, pages, limiter)
    yield passkeys.router(context, pages, challenges)
    yield joining.router(context, pages, challenges)
    yield needs_you.router(context, pages)
    yield now.router(context, pages)
    yield articles.router(context, pages, intake, renditions)
    yield shown.router(context, pages)
    yield bulk.router(context, pages, intake)
    yield publish.router(context, pages, intake)
    yield calendar.router(context, pages)
    yield previews.router(context, pages, renditions)
    yield channels.router(context, pages, intake, trials)
    yield replays.router(context, pages, intake)
    yield deliveries.router(context, pages)
    yield failures.router(context, pages, intake)
    yield references.router(context, pages, intake)
    yield feeds.router(context, pages)
    yield operations.router(context, pages, intake)
    yield session_list.router(context, pages)
    yield adding_passkeys.router(context, pages, challenges)
    yield own_passkeys.router(context, pages)
    yield streams.router(context, pages, live)
    yield _others(pages)


def _others(pages: Pages) -> Room:
    """Return the style sheet and the pictures, and the page for any address that is none of the console's."""
    routes = pages.router()
    routes.add_api_route("/static/{digest}/{name}", static_file, methods=["GET"])

    @routes.api_route("/{rest:path}", methods=["GET", "POST"])
    def unknown_page(rest: str) -> Response:
        raise Problem(404, "unknown-page", "the console has no such page")

    return routes
