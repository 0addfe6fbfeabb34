"""Passkeys (Web Authentication, Level 3): what a browser is asked, and whether its answer holds.

Whose passkey it is, which challenge it had to sign and how often it has signed is known to the caller. This module is
imported only where the settings name passkeys: the library behind it takes time to import.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NoReturn
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from msgspec import Struct
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    parse_attestation_object,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from pipeline.identity.plan import NotIdentified
from pipeline.model.identity import CHALLENGE_LASTS

_MILLISECONDS: Final = int(CHALLENGE_LASTS.total_seconds() * 1_000)  # after which a browser gives up
_LONGEST_ID = 1_023  # bytes of a credential's id (Web Authentication, section 4)
_LONGEST_WHY = 200  # characters of why an answer was refused
# What the library, and what it is built of, raises at answers that cannot be.
_CANNOT_BE = (
    WebAuthnException,
    InvalidSignature,
    UnsupportedAlgorithm,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    RecursionError,
)


class PasskeyPlan(Struct, frozen=True):
    console: str  # the address at which browsers reach this site
    site: str  # its name, which authenticators show

    @property
    def host(self) -> str:
        """Return the id of the relying party, to which passkeys belong."""
        return urlsplit(self.console).hostname or ""

    @property
    def origin(self) -> str:
        """Return the origin as browsers write it, without the port that the scheme has anyhow."""
        parts = urlsplit(self.console)
        usual = parts.port in (None, {"https": 443, "http": 80}[parts.scheme])
        return f"{parts.scheme}://{self.host}" + ("" if usual else f":{parts.port}")


class NewPasskey(Struct, frozen=True):
    credential: str  # base64url
    key: bytes  # COSE
    counter: int


class Assertion(Struct, frozen=True):
    """What an authenticator says in a sign-in, of which nothing is proved yet."""

    credential: str  # base64url
    handle: str | None  # of the person
    read: AuthenticationCredential


class Passkeys:
    """The passkeys of one site. Raises NotIdentified at whatever does not hold."""

    def __init__(self, plan: PasskeyPlan) -> None:
        self.plan = plan

    def to_add(self, challenge: str, *, handle: str, name: str, has: Collection[str]) -> str:
        """Return the options for `navigator.credentials.create`, as JSON. `has`: the passkeys that the person has."""
        return options_to_json(
            generate_registration_options(
                rp_id=self.plan.host,
                rp_name=self.plan.site,
                user_id=base64url_to_bytes(handle),
                user_name=name,
                challenge=base64url_to_bytes(challenge),
                timeout=_MILLISECONDS,
                authenticator_selection=AuthenticatorSelectionCriteria(
                    resident_key=ResidentKeyRequirement.REQUIRED,
                    user_verification=UserVerificationRequirement.REQUIRED,
                ),
                exclude_credentials=[PublicKeyCredentialDescriptor(base64url_to_bytes(one)) for one in has],
            )
        )

    def to_sign_in(self, challenge: str) -> str:
        """Return the options for `navigator.credentials.get`, as JSON."""
        return options_to_json(
            generate_authentication_options(
                rp_id=self.plan.host,
                challenge=base64url_to_bytes(challenge),
                timeout=_MILLISECONDS,
                user_verification=UserVerificationRequirement.REQUIRED,
            )
        )

    def added(self, answer: str, challenge: str) -> NewPasskey:
        """Return the passkey that an authenticator has made.

        Who made the authenticator is not asked for, so only statements about it that need no certificate are read.
        """
        try:
            read = parse_registration_credential_json(answer)
            _check_own_page(read.response.client_data_json)
            statement = parse_attestation_object(read.response.attestation_object)
            bare = statement.fmt == AttestationFormat.NONE
            if not bare and (statement.fmt != AttestationFormat.PACKED or statement.att_stmt.x5c is not None):
                _refuse("it has a statement about its maker")
            made = verify_registration_response(
                credential=read,
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=self.plan.host,
                expected_origin=self.plan.origin,
                require_user_verification=True,
            )
            decoded_public_key_to_cryptography(decode_credential_public_key(made.credential_public_key))
        except _CANNOT_BE as error:
            raise _refused(error) from error
        if not 0 < len(made.credential_id) <= _LONGEST_ID:
            _refuse("the credential's id has a length that cannot be")
        return NewPasskey(bytes_to_base64url(made.credential_id), made.credential_public_key, made.sign_count)

    def read(self, answer: str) -> Assertion:
        """Read who an authenticator says it speaks for."""
        try:
            read = parse_authentication_credential_json(answer)
            handle = read.response.user_handle
            return Assertion(
                bytes_to_base64url(read.raw_id), None if handle is None else bytes_to_base64url(handle), read
            )
        except _CANNOT_BE as error:
            raise _refused(error) from error

    def counter_of(self, assertion: Assertion, challenge: str, *, key: bytes) -> int:
        """Return how often the authenticator says that it has signed, once it is proved that it has this time.

        The caller compares that with the last time: only who has the key may cause a line about a copy of it.
        """
        try:
            _check_own_page(assertion.read.response.client_data_json)
            return verify_authentication_response(
                credential=assertion.read,
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=self.plan.host,
                expected_origin=self.plan.origin,
                credential_public_key=key,
                credential_current_sign_count=0,
                require_user_verification=True,
            ).new_sign_count
        except _CANNOT_BE as error:
            raise _refused(error) from error


def _check_own_page(client_data: bytes) -> None:
    """Raise NotIdentified if a page of ours was framed by another site (section 7.1, step 10, and 7.2, step 13)."""
    if parse_client_data_json(client_data).cross_origin:
        _refuse("it was asked for in a frame of another site")


def _refuse(why: str) -> NoReturn:
    raise _refused(ValueError(why))


def _refused(error: Exception) -> NotIdentified:
    """Return the error for the person. `answer` is for the log: it may quote whoever made the answer up."""
    words = "What your passkey answered does not hold. Try again, or sign in with a token or a recovery code."
    return NotIdentified(words, code="passkey-refused", answer=str(error)[:_LONGEST_WHY])
