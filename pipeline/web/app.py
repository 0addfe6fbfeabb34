"""The ASGI app."""

from __future__ import annotations

import functools
from collections.abc import Callable

from fastapi import Depends, FastAPI

from pipeline.stages.accept import intake_of
from pipeline.stages.context import Context
from pipeline.web import partners, problems, refusals
from pipeline.web.addresses import Addresses
from pipeline.web.bounded import Bounded
from pipeline.web.changing import refusing_when_outdated
from pipeline.web.console import router as console
from pipeline.web.console.live import Live, versions_of
from pipeline.web.console.pages import HOME, Pages
from pipeline.web.headers import BrowserHeaders
from pipeline.web.limits import Limiter, LocalLimiter
from pipeline.web.looked_at import Renditions
from pipeline.web.middleware import Compression, Interrupted, TooLarge
from pipeline.web.needed import check_routes
from pipeline.web.openapi import Described
from pipeline.web.ops import health, metrics
from pipeline.web.partners import own, secrets, trying
from pipeline.web.public import articles as public
from pipeline.web.public import evidence, feeds, hub, manifest, site_pages, unknown, well_known
from pipeline.web.restored import Restored
from pipeline.web.trying import Trials
from pipeline.web.v1 import events
from pipeline.web.v1 import router as v1


def create_app(
    context: Context,
    *,
    alive: Callable[[], list[str] | None],
    limiter: Limiter | None = None,
    disk: Callable[[], str | None] = lambda: None,
) -> FastAPI:
    """Return the web server.

    `alive` and `disk`: see `health`. `limiter`: the rate limiter; if None, each process counts for itself.
    `app.state.stop()` has everyone answered who waits for something.
    """
    limiter = limiter or LocalLimiter()
    app = Described(
        title="Citewire",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        redirect_slashes=False,  # the redirect would be to whatever Host the client sent
        generate_unique_id_function=lambda route: route.name,
    )
    trials = Trials(context, intake_of(context), limiter)
    arrivals = partners.arrivals_of(context)
    ends = events.ends_of(context)
    live = Live(functools.partial(versions_of, context))

    def stop() -> None:
        arrivals.stop()
        ends.stop()
        live.stop()

    app.state.stop, app.state.ends = stop, ends
    app.paths = feeds.described(context)
    app.add_middleware(Compression, minimum_size=1000)
    app.add_middleware(TooLarge, pages=HOME, page=Pages(context).too_large)
    app.add_middleware(Restored, hold=context.hold)
    app.add_middleware(Addresses)
    app.add_middleware(BrowserHeaders)
    app.add_middleware(Interrupted)
    problems.register(app)
    unknown.register(app, context.site)
    refusals.register(app)
    bounded = Bounded(context.policy.article_budget)
    unless_outdated = [Depends(refusing_when_outdated(context))]
    looked_at = Renditions(context, bounded)
    rooms = (
        *v1.routers(context, ends, looked_at, trials),
        *console.routers(context, limiter, live, looked_at, trials),
    )
    for room in rooms:
        app.include_router(room, dependencies=unless_outdated)
    app.include_router(manifest.router(context))  # before the articles, whose addresses match it
    app.include_router(public.router(context, bounded))
    app.include_router(feeds.router(context))
    app.include_router(site_pages.router(context))
    app.include_router(evidence.router(context))
    app.include_router(partners.router(context, limiter, arrivals))
    app.include_router(own.router(context, intake_of(context), limiter))
    app.include_router(trying.router(context, intake_of(context), limiter, trials))
    app.include_router(secrets.router(context, intake_of(context), limiter))
    if context.hub is not None:
        app.include_router(hub.router(context, context.hub, limiter))
    app.include_router(health.router(context, alive, disk))
    app.include_router(metrics.router(context, app.state.refusals))
    app.include_router(well_known.router(context))
    check_routes(app)
    return app
