"""The ASGI app."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from pipeline.stages.context import Context
from pipeline.web import api, health, problems, public


def create_app(context: Context, *, alive: Callable[[], list[str] | None]) -> FastAPI:
    """`alive`: see `health`."""
    app = FastAPI(title="Citewire", version="1", docs_url=None, redoc_url=None, openapi_url="/v1/openapi.json")
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    problems.register(app)
    app.include_router(api.router(context))
    app.include_router(public.router(context))
    app.include_router(health.router(context, alive))
    return app
