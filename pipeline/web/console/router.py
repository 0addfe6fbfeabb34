"""Assemble the console's pages."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response

from pipeline.stages.accept import intake_of
from pipeline.stages.context import Context
from pipeline.web.bounded import Bounded
from pipeline.web.changing import refusing_when_outdated
from pipeline.web.console import (
    articles,
    bulk,
    calendar,
    channels,
    failures,
    needs_you,
    now,
    operations,
    previews,
    provider,
    session_list,
    signing_in,
    streams,
)
from pipeline.web.console.live import Live
from pipeline.web.console.pages import Pages, static_file
from pipeline.web.limits import Limiter
from pipeline.web.problems import Problem


def router(context: Context, limiter: Limiter, live: Live, bounded: Bounded) -> APIRouter:
    pages, intake = Pages(context), intake_of(context)
    console = APIRouter(dependencies=[Depends(refusing_when_outdated(context))])
    console.include_router(signing_in.router(context, pages, limiter))
    console.include_router(provider.router(context, pages, limiter))
    console.include_router(needs_you.router(context, pages))
    console.include_router(now.router(context, pages))
    console.include_router(articles.router(context, pages, intake))
    console.include_router(bulk.router(context, pages, intake))
    console.include_router(calendar.router(context, pages))
    console.include_router(previews.router(context, pages, bounded))
    console.include_router(channels.router(context, pages, intake))
    console.include_router(failures.router(context, pages, intake))
    console.include_router(operations.router(context, pages, intake))
    console.include_router(session_list.router(context, pages))
    console.include_router(streams.router(context, pages, live))
    console.include_router(_others(pages))
    return console


def _others(pages: Pages) -> APIRouter:
    """Return the style sheet and the pictures, and the page for any address that is none of the console's."""
    routes = pages.router()
    routes.add_api_route("/static/{digest}/{name}", static_file, methods=["GET"])

    @routes.api_route("/{rest:path}", methods=["GET", "POST"])
    def unknown_page(rest: str) -> Response:
        raise Problem(404, "unknown-page", "the console has no such page")

    return routes
