"""Forms with files, of at most as many bytes as the API takes of an event."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.datastructures import FormData
from msgspec import Struct
from starlette.datastructures import UploadFile

from pipeline.ledger.uploads import UploadedFile
from pipeline.stages.uploads import name_of
from pipeline.web.console.forms import Acting, Form, check_own_form, of_this_session
from pipeline.web.console.sessions import SignedIn
from pipeline.web.v1.cloudevents import MAX_BATCH
from pipeline.web.v1.events import MAX_BODY

_FIELDS = 20


class Uploading(Struct, frozen=True):
    """Somebody who is signed in and has sent a form with files."""

    act: Acting
    files: tuple[UploadedFile, ...]


def uploading(who_is: Callable[[Request], SignedIn]) -> Callable[..., object]:
    """Return a dependency that admits such forms from people whose role has the scope that the route needs.

    Nothing of the body is read before they are known. A field of text may be as long as the body.
    """

    async def admit(request: Request, who: Annotated[SignedIn, Depends(who_is)]) -> Uploading:
        check_own_form(request, "multipart/form-data")
        async with request.form(max_files=MAX_BATCH, max_fields=_FIELDS, max_part_size=MAX_BODY) as given:
            form = Form({name: _text(value) for name, value in given.multi_items() if isinstance(value, str)})
            return Uploading(of_this_session(who, form), await _files(given))

    return admit


def _text(value: str) -> str:
    """Return the value of a field without lone surrogates, which a charset of the sender's choice may hold."""
    return value.encode("utf-8", "replace").decode()


async def _files(given: FormData) -> tuple[UploadedFile, ...]:
    """Return the files. A browser sends one without name and bytes where none was chosen."""
    sent = [value for _, value in given.multi_items() if isinstance(value, UploadFile)]
    return tuple([UploadedFile(name_of(one.filename) or _UNNAMED, await one.read()) for one in sent if one.filename])


_UNNAMED = "file"
