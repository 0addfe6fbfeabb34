"""Forms that browsers send, and the refusal of those that another site made them send."""

from collections.abc import Callable, Mapping
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, Request
from msgspec import Struct

from pipeline.web.console.sessions import SignedIn
from pipeline.web.problems import Problem

MAX_BODY = 16_384  # bytes of a form
FIELD = "proof"  # the hidden field
_MOST_FIELDS = 50


class Form(Struct, frozen=True):
    """The fields of a form from one of our own pages. A field that is absent is empty."""

    fields: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")


class Acting(Struct, frozen=True):
    """Somebody who is signed in and has sent a form."""

    who: SignedIn
    form: Form

    @property
    def by(self) -> str:
        """Who did it, as operations name them."""
        return self.who.by


async def own_form(request: Request) -> Form:
    """Read a form. Raises Problem as `check_own_form`."""
    check_own_form(request, "application/x-www-form-urlencoded")
    try:
        body = (await request.body()).decode("utf-8")
        pairs = parse_qsl(body, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Problem(400, "invalid-form", "the form is not UTF-8, or has too many fields") from None
    if "\0" in body or any("\0" in value for _, value in pairs):
        raise Problem(400, "invalid-form", "the form has a control character")
    return Form(dict(pairs))


def acting(who_is: Callable[[Request], SignedIn]) -> Callable[..., Acting]:
    """Return a dependency that admits forms from people whose role has the scope that the route needs."""

    def admit(form: Annotated[Form, Depends(own_form)], who: Annotated[SignedIn, Depends(who_is)]) -> Acting:
        return of_this_session(who, form)

    return admit


def of_this_session(who: SignedIn, form: Form) -> Acting:
    """Raise Problem 403 unless the form was on a page of this session."""
    if not who.is_own_field(form[FIELD]):
        raise Problem(403, "cross-site-request", "the form is not from a page of this session: load it again")
    return Acting(who, form)


def check_own_form(request: Request, media_type: str) -> None:
    """Raise Problem 403 if another site's page sent the form, and 415 if it is of another type."""
    if not _is_from_our_own_page(request):
        raise Problem(403, "cross-site-request", "the form was not sent from a page of this console")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != media_type:
        raise Problem(415, "not-a-form", f"send {media_type}")


def _is_from_our_own_page(request: Request) -> bool:
    """Return whether the browser says so: by `Sec-Fetch-Site`, or by `Origin` where it sends no such header.

    A proxy may leave the port out of `Host`, so ports are not compared.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    try:
        origin, own = urlsplit(request.headers.get("origin", "")), urlsplit(f"//{request.headers['host']}")
        return origin.hostname is not None and origin.hostname == own.hostname
    except ValueError:  # brackets without an IPv6 address
        return False
