"""The OpenAPI description of the whole web server.

answers        the responses that routes declare   bodies    request bodies that FastAPI does not read itself
reference      the description as a Markdown page  compatibility  changes that would break clients
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from pipeline.web.openapi import bodies
from pipeline.web.openapi.answers import add_problems_of_addresses
from pipeline.web.problems import problem_schemas

_DESCRIPTION = """\
Publish articles, follow their deliveries, and read what is published.

Errors are problem details (RFC 9457) with a stable `code`. Responses may gain members and enumerations may gain
values, so ignore what you do not know. Times are RFC 3339, in UTC.
"""
TAGS = {
    "publishing": "Send events, and look at what became of them.",
    "deliveries": "What each channel should have, and what it has.",
    "channels": "Whether each channel can be sent to; pause, resume and enable it.",
    "articles": "Published articles, for anyone.",
    "feeds": "Feeds and sitemaps, for anyone.",
    "evidence": "Cited papers, changes of their editorial status, and certificates of retractions.",
    "partners": "What a partner pulls from its channel.",
    "hub": "WebSub subscriptions to the feeds.",
    "operations": "Health, metrics, and what needs a person.",
}


class Described(FastAPI):
    """A FastAPI app whose description includes the routes and bodies that FastAPI does not read itself."""

    paths: dict[str, Any]

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = self._describe()
        return self.openapi_schema

    def _describe(self) -> dict[str, Any]:
        document = get_openapi(
            title=self.title,
            version=self.version,
            description=_DESCRIPTION,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
            tags=[{"name": name, "description": text} for name, text in TAGS.items()],
            routes=self.routes,
        )
        document["paths"] |= self.paths
        schemas = document["components"]["schemas"]
        schemas |= bodies.schemas() | problem_schemas()
        for item in document["paths"].values():
            for operation in item.values():
                _say_success(operation["responses"])
                add_problems_of_addresses(operation["responses"])
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        return document


def _say_success(responses: dict[str, Any]) -> None:
    for answer in responses.values():
        if answer["description"] == "Successful Response":  # FastAPI's own words
            answer["description"] = "Success."
