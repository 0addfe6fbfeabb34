"""Whether an ID token holds: who signed it, for whom, when, and in answer to which attempt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from pipeline.identity.plan import NotIdentified, ProviderPlan

# Signatures with the provider's private key only: neither `none`, nor a secret that is known here too (HS256).
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
LEEWAY = 60  # seconds by which the provider's clock may differ from the ledger's


class KeyUnknown(NotIdentified):
    """No known key has made the signature: the provider may have another one now."""

    code = "identity-refused"


def verified(
    id_token: str, keys: KeySet, plan: ProviderPlan, *, nonce: str, access_token: str | None, now: dt.datetime
) -> Mapping[str, Any]:
    """Return the claims of an ID token (OpenID Connect Core 1.0, section 3.1.3.7). Raises NotIdentified."""
    options = {
        "iss": {"essential": True, "value": plan.issuer},
        "aud": {"essential": True, "value": plan.client_id},
    }
    expected = {"nonce": nonce, "client_id": plan.client_id, "access_token": access_token}
    try:
        token = jwt.decode(id_token, keys, algorithms=ALGORITHMS)
        claims = CodeIDToken(token.claims, token.header, options, expected)
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY)
    except (InvalidKeyIdError, BadSignatureError) as error:
        raise KeyUnknown(_WORDS.format(error.error)) from error
    except JoseError as error:
        claim = f" ({error.claim})" if hasattr(error, "claim") else ""
        raise NotIdentified(_WORDS.format(f"{error.error}{claim}"), code="identity-refused") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise NotIdentified(_WORDS.format("it cannot be read"), code="identity-refused") from error
    return dict(claims)


_WORDS = "What the sign-in service says about you does not hold: {}. Sign in once more."
