"""Roles: named sets of scopes. A scope is what a request needs; a token holds the scopes of one role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

Scope = Literal[
    "read",  # see everything but secrets
    "publish",  # publish, update and withdraw by event
    "withdraw",
    "release",  # send out what is held back for its evidence
    "replay",  # deliver again, and ask sources of evidence again
    "channels",  # pause, resume, enable and test channels
    "failures",  # note, dismiss and reopen causes
    "bulk",  # act on all articles that match
    "undo",
    "partners",  # what a partner's own token opens, and the secrets that channels sign with
    "sessions",  # see and end the sessions of others
]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

_VIEWER: Final[frozenset[Scope]] = frozenset({"read"})
_EDITOR: Final[frozenset[Scope]] = frozenset({*_VIEWER, "publish", "withdraw", "release"})
_OPERATOR: Final[frozenset[Scope]] = frozenset({*_EDITOR, "replay", "channels", "failures", "bulk", "undo"})

Role = Literal["viewer", "editor", "operator", "admin"]
ROLES: Final[Mapping[Role, frozenset[Scope]]] = {
    "viewer": _VIEWER,
    "editor": _EDITOR,
    "operator": _OPERATOR,
    "admin": frozenset(SCOPES),
}
# What a token made with `--scope publish` may do: what it could before there were roles.
_PUBLISH: Final[frozenset[Scope]] = frozenset({"read", "publish", "withdraw", "bulk"})
_NAMED: Final[dict[str, frozenset[Scope]]] = {"publish": _PUBLISH, **{str(role): held for role, held in ROLES.items()}}
_PARTNER = "partner:"


def scopes_of(name: str) -> frozenset[Scope]:
    """Return the scopes of a role, or of what a token was made for; none for a partner's and for unknown words."""
    return _NAMED.get(name, frozenset())


def may(name: str, scope: str) -> bool:
    """Return whether the role allows what needs the scope. `partner:ID` is a scope of its own."""
    if scope.startswith(_PARTNER):
        return name == scope or "partners" in scopes_of(name)
    return scope in scopes_of(name)


def refusal(name: str, scope: str) -> str:
    """Say why the role is not enough, and which roles are."""
    enough = [role for role in ROLES if may(role, scope)]
    whose = " and ".join(enough) if len(enough) < 3 else f"{', '.join(enough[:-1])} and {enough[-1]}"
    return f"the role {name} may not do this: it needs the scope {scope}, which {whose} {_have(enough)}"


def _have(roles: list[Role]) -> str:
    return "has" if len(roles) == 1 else "have"
