"""What the settings say about a provider, and the error of everybody whom it does not identify."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from pipeline.errors import PermanentError
from pipeline.http import Limits
from pipeline.model.roles import Role

CALLBACK, SIGN_IN = "/console/sign-in/callback", "/console/sign-in"
LIMITS = Limits(connect=3.0, read=5.0, total=8.0, max_bytes=256_000)  # of each request to the provider


class NotIdentified(PermanentError):
    """Somebody may not come in. The message is written for them, and reveals nothing to a stranger."""


class ProviderPlan(Struct, frozen=True, kw_only=True):
    issuer: str
    client_id: str
    secret: str
    console: str  # the address at which browsers reach this site, without a slash at its end
    scopes: tuple[str, ...]
    role_claim: str
    roles: Mapping[str, Role]  # by a value of the claim
    name_claim: str

    @property
    def host(self) -> str:
        return urlsplit(self.issuer).netloc

    @property
    def callback(self) -> str:
        return self.console + CALLBACK

    @property
    def signed_out(self) -> str:
        return self.console + SIGN_IN
