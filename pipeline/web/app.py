"""The ASGI app."""

from __future__ import annotations

import functools
from collections.abc import Callable

from fastapi import FastAPI

from pipeline.stages.accept import intake_of
from pipeline.stages.context import Context
from pipeline.web import partners, problems, refusals
from pipeline.web.addresses import Addresses
from pipeline.web.bounded import Bounded
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
from pipeline.web.public.readers import FeedReaders
from pipeline.web.restored import Restored
from pipeline.web.rooms import open_room
from pipeline.web.shares import Shares
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
    `app.state.readers`: who has fetched the feeds since that was last written to the ledger.
    """
    limiter = limiter or LocalLimiter()
    app = Described(
        title="Citewire",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        redirect_slashes=False,  # the redirect would be to whatever Host the client sent
    )
    intake = intake_of(context)
    trials = Trials(context, intake, limiter)
    arrivals = partners.arrivals_of(context)
    ends = events.ends_of(context)
    live = Live(functools.partial(versions_of, context))

    def stop() -> None:
        arrivals.stop()
        ends.stop()
        live.stop()

    app.state.stop, app.state.ends, app.state.hold = stop, ends, context.hold
    app.state.readers = readers = FeedReaders(context)
    app.paths = feeds.described(context)
    app.add_middleware(Compression, minimum_size=1000)
    app.add_middleware(TooLarge, pages=HOME, page=Pages(context).too_large)
    app.add_middleware(Restored, hold=context.hold)
    app.add_middleware(Addresses)
    app.add_middleware(BrowserHeaders)
    app.add_middleware(Shares)
    app.add_middleware(Interrupted)
    problems.register(app)
    unknown.register(app, context.site)
    refusals.register(app)
    bounded = Bounded(context.policy.article_budget)
    looked_at = Renditions(context, bounded)
    rooms = (  # a request is compared with every route before its own, so what is read most comes first
        manifest.router(context),  # before the articles, whose addresses match it
        public.router(context, bounded),
        feeds.router(context, readers),
        site_pages.router(context),
        evidence.router(context),
        partners.router(context, limiter, arrivals),
        own.router(context, intake, limiter),
        trying.router(context, intake, limiter, trials),
        secrets.router(context, intake, limiter),
        *([hub.router(context, context.hub, limiter)] if context.hub is not None else ()),
        health.router(context, alive, disk),
        metrics.router(context, app.state.refusals),
        well_known.router(context),
        *v1.routers(context, ends, looked_at, trials),
        *console.routers(context, limiter, live, looked_at, trials),
    )
    for room in rooms:
        open_room(app, room)
    check_routes(app)
    return app
