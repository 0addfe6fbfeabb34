"""The claims of an ID token as an identity: issuer and subject, a name to show, and the role that a claim gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.identity.plan import NotIdentified, ProviderPlan
from pipeline.model.identity import Identity, shown_name
from pipeline.model.roles import ROLES

_SUBJECT = 255  # characters at most (OpenID Connect Core 1.0, section 2)


def identity_of(claims: Mapping[str, Any], plan: ProviderPlan) -> Identity:
    """Return who the claims are about. Raises NotIdentified if they give no role."""
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= _SUBJECT or not subject.isprintable():
        raise NotIdentified("The sign-in service did not say who you are.", code="identity-refused")
    name = next(_names(claims, plan.name_claim), shown_name(subject))
    roles = {plan.roles[value] for value in _values(claims, plan.role_claim) if value in plan.roles}
    if not roles:
        raise NotIdentified(
            f"You are known to the sign-in service as {name}, but nothing in its claim {plan.role_claim!r} gives you a "
            "role here. Ask whoever runs this site for one.",
            code="no-role",
        )
    return Identity(plan.issuer, subject, name, max(roles, key=list(ROLES).index))


def _names(claims: Mapping[str, Any], claim: str) -> Iterator[str]:
    for one in (claim, "preferred_username", "email"):
        value = claims.get(one)
        if isinstance(value, str) and (cleaned := shown_name(value)):
            yield cleaned


def _values(claims: Mapping[str, Any], path: str) -> list[str]:
    """Return the words in a claim, whose name may be a path through objects: `realm_access.roles`."""
    found: Any = claims
    for step in [path] if path in claims else path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    words = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return [word for word in words if isinstance(word, str)]
