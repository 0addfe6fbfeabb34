"""Who somebody is: by the word of one provider (OpenID Connect), which gives a role too, or by a passkey.

    plan       what the settings say           attempt    one sign-in, from leaving for the provider to the return
    published  the provider's documents        exchange   the code that a browser brings back, for an ID token
    id_tokens  whether an ID token holds       claims     its claims as an identity with a role
    provider   all of it together             passkeys   what an authenticator says, and whether it holds
    recovery   codes on paper

A person is the issuer and the subject. A name or an e-mail address is only shown: either may be given to somebody else.
"""

from pipeline.identity.attempt import Attempt
from pipeline.identity.plan import NotIdentified, ProviderPlan
from pipeline.identity.provider import Provider

__all__ = ["Attempt", "NotIdentified", "Provider", "ProviderPlan"]
