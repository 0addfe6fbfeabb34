"""Rooms: the routes of one part of the web server, which the app takes over as they are.

FastAPI's `include_router` would build each of them a second time when the server starts, and compare every request
twice with the routes of a router: once to find the router, and once more to find the route in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from fastapi import APIRouter, FastAPI
from fastapi.params import Depends
from fastapi.routing import APIRoute


class Room(APIRouter):
    """A router of our own. What `include_router` would add to its routes has to be said when it is made.

    `dependencies`: of each of its routes, before those that the route names itself.
    """

    def __init__(
        self,
        prefix: str = "",
        *,
        tags: Sequence[str | Enum] = (),
        dependencies: Sequence[Depends] = (),
        described: bool = True,
        route_class: type[APIRoute] = APIRoute,
    ) -> None:
        super().__init__(
            prefix=prefix,
            tags=[*tags],
            dependencies=dependencies,
            include_in_schema=described,
            route_class=route_class,
            generate_unique_id_function=_name_of,
        )


def _name_of(route: APIRoute) -> str:
    """Return what the description calls the operation: the function that answers."""
    return route.name


def open_room(app: FastAPI, room: Room) -> None:
    """Add the routes of a room to the app, behind those that it has."""
    app.router.routes.extend(room.routes)
