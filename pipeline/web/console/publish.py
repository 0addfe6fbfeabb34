"""Publish article files from the browser: uploaded or pasted, looked at, then published exactly as they were shown."""

import datetime as dt
from typing import Annotated

from fastapi import Depends, Response

from pipeline.errors import InvalidEvent
from pipeline.intake import source_formats
from pipeline.intake.decoding import MAX_BYTES
from pipeline.intake.fields.dates import moment
from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.ledger.uploads import UploadedFile
from pipeline.stages import uploads
from pipeline.stages.accept import Intake
from pipeline.stages.context import Context
from pipeline.views.uploads import upload
from pipeline.web.console.articles import address_of_article
from pipeline.web.console.forms import MAX_BODY, Acting, acting
from pipeline.web.console.operations import address_of
from pipeline.web.console.pages import HOME, Pages, see
from pipeline.web.console.sessions import SignedIn, signed_in
from pipeline.web.console.uploading import Uploading, uploading
from pipeline.web.rooms import Room
from pipeline.web.v1.cloudevents import MAX_BATCH
from pipeline.web.v1.events import MAX_BODY as MAX_UPLOAD

_EXTENSIONS = tuple(sorted(f".{one}" for source in source_formats().values() for one in source.extensions))


def router(context: Context, pages: Pages, intake: Intake) -> Room:
    routes = pages.router()
    who_is = signed_in(context)

    @routes.get("/publish")
    def choose(who: Annotated[SignedIn, Depends(who_is)]) -> Response:
        return pages.page(
            "publish",
            who,
            extensions=_EXTENSIONS,
            most=MAX_UPLOAD,
            most_of_one=MAX_BYTES,
            most_files=MAX_BATCH,
            place="publish",
        )

    @routes.post("/publish", max_body_size=MAX_UPLOAD)
    def keep(sent: Annotated[Uploading, Depends(uploading(who_is))]) -> Response:
        """Keep what was sent, and lead to the page that shows what publishing it would do."""
        form, files = sent.act.form, list(sent.files)
        if form["text"].strip():
            files.append(UploadedFile(None, form["text"].encode()))
        embargo = _moment(form["embargo"]) if form["embargo"].strip() else None
        kept = uploads.keep(intake, files, by=sent.act.by, embargo=embargo, take_over=bool(form["take_over"]))
        return see(f"{HOME}/publish/{kept.id}")

    @routes.get("/publish/{upload_id}")
    def look(upload_id: str, who: Annotated[SignedIn, Depends(who_is)]) -> Response:
        now = context.clock()
        prepared = uploads.look(context, intake, upload_id, by=who.by)
        return pages.page("upload", who, now=now, one=prepared.one, look=upload(prepared), place="publish")

    @routes.post("/publish/{upload_id}", max_body_size=MAX_BODY)
    def publish(upload_id: str, act: Annotated[Acting, Depends(acting(who_is))]) -> Response:
        done = uploads.publish(context, intake, upload_id, by=act.by, shown=act.form["shown"])
        if len(done.answers) == 1:
            return see(address_of_article(done.answers[0].article))
        return see(address_of(done.operation))

    return routes


def _moment(text: str) -> dt.datetime:
    try:
        return moment(text)
    except InvalidValue as error:
        raise InvalidEvent(error.message, code="invalid-field", field="embargo", hint=error.hint) from error
