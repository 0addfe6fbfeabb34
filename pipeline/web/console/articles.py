"""Articles: the list, one with everything about it, and what can be done with it."""

import datetime as dt
from typing import Annotated, get_args
from urllib.parse import quote, urlencode

from fastapi import Depends, Path, Query, Request, Response

from pipeline.intake.fields.reasons import MAX_REASON, reason_of
from pipeline.ledger import Transaction
from pipeline.ledger.articles.searching import ANY_MARK, WINDOW, Cursor
from pipeline.ledger.operations import Operation
from pipeline.model.event import Origin, Withdraw
from pipeline.model.reference import EditorialState
from pipeline.model.revision import HIGHEST
from pipeline.stages.accept import Intake, accept
from pipeline.stages.accept.again import again
from pipeline.stages.accept.release import release
from pipeline.stages.accept.replay import replay
from pipeline.stages.accept.schedule import schedule
from pipeline.stages.context import Context
from pipeline.views.line_of_time import line_of_time
from pipeline.views.listing import found_articles
from pipeline.views.revision import revision as revision_of
from pipeline.views.whole_article import WholeArticle, whole_article
from pipeline.web.console.bulk import allowed, filters_of, wanted_of
from pipeline.web.console.forms import MAX_BODY, Acting, acting
from pipeline.web.console.live import Watched
from pipeline.web.console.moments import moment_of
from pipeline.web.console.operations import address_of
from pipeline.web.console.pages import HOME, Pages, see
from pipeline.web.console.sessions import SignedIn, signed_in
from pipeline.web.console.streams import watched_article
from pipeline.web.looked_at import Renditions
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room

_PAGE = 50
_STATES = ("live", "scheduled", "withdrawn")
_MARKS = (ANY_MARK, *get_args(EditorialState))
_SOURCE = "urn:citewire:console"


def address_of_article(article_id: str) -> str:
    return f"{HOME}/articles/{quote(article_id, safe='')}"


def router(context: Context, pages: Pages, intake: Intake, renditions: Renditions) -> Room:
    routes = pages.router()
    who_is = signed_in(context)
    acts = acting(who_is)

    @routes.get("/articles")
    def articles(
        request: Request,
        who: Annotated[SignedIn, Depends(who_is)],
        after: Annotated[str, Query(max_length=200)] = "",
    ) -> Response:
        given = filters_of(request.query_params)
        with context.ledger.read() as transaction:
            found = found_articles(transaction, wanted_of(given), after=_cursor(after), limit=_PAGE)
            channels = sorted(context.channels_now(transaction))
        more = f"?{urlencode(given | {'after': _written(found.next)})}" if found.next else None
        choices = {"state": _STATES, "channel": channels, "evidence": _MARKS}
        return pages.page(
            "articles",
            who,
            articles=found.articles,
            given=given,
            more=more,
            choices=choices,
            later=bool(after),
            window=WINDOW,
            actions=allowed(who),
            place="articles",
        )

    @routes.get("/articles/{article_id}")
    def article(
        article_id: str,
        who: Annotated[SignedIn, Depends(who_is)],
        live: Annotated[Watched, Depends(watched_article(context))],
        format: str = "",
    ) -> Response:
        now = context.clock()
        with context.ledger.read() as transaction:
            whole = look(transaction, article_id)
            line = line_of_time(transaction, whole.status.article, whole.status.revision, now=now)
        made = [one.format for one in whole.status.renditions]
        others = sorted(context.formats.keys() - set(made)) if made else []
        formats = [*made, *others]
        shown = format if format in formats else next((one for one in ("html", *formats) if one in formats), None)
        verdict, doubt = renditions.verdict_now(whole.status.article, shown) if shown else (None, None)
        return pages.page(
            "article",
            who,
            now=now,
            whole=whole,
            one=whole.status,
            line=line,
            others=others,
            shown=shown,
            verdict=verdict,
            doubt=doubt,
            frames=True,
            live=live,
            place="articles",
        )

    def look(transaction: Transaction, article_id: str) -> WholeArticle:
        found = whole_article(transaction, article_id)
        if found is None:
            raise Problem(404, "unknown-article", f"no article {article_id!r} is known")
        return found

    @routes.get("/articles/{article_id}/revisions/{revision}")
    def revision_page(
        article_id: str,
        revision: Annotated[int, Path(ge=1, le=HIGHEST)],
        who: Annotated[SignedIn, Depends(who_is)],
    ) -> Response:
        now = context.clock()
        with context.ledger.read() as transaction:
            found = revision_of(transaction, article_id, revision, now=now)
        if found is None:
            raise Problem(404, "unknown-revision", f"no revision {revision} of an article {article_id!r} is known")
        return pages.page("revision", who, now=now, one=found, place="articles")

    @routes.get("/articles/{article_id}/withdraw")
    def withdraw_page(article_id: str, who: Annotated[SignedIn, Depends(who_is)]) -> Response:
        with context.ledger.read() as transaction:
            whole = look(transaction, article_id)
        return pages.page("withdraw", who, whole=whole, one=whole.status, most=MAX_REASON, place="articles")

    @routes.post("/articles/{article_id}/withdraw", max_body_size=MAX_BODY)
    def withdraw(article_id: str, act: Annotated[Acting, Depends(acts)]) -> Response:
        reason = reason_of(act.form["reason"], field="reason")
        operation = Operation(intake.new_id("op_"), "withdraw", act.by, intake.clock())
        accept(intake, Withdraw(Origin(source=_SOURCE, id=operation.id), article_id, reason), operation)
        return see(address_of(operation.id))

    @routes.post("/articles/{article_id}/release", max_body_size=MAX_BODY)
    def release_article(article_id: str, act: Annotated[Acting, Depends(acts)]) -> Response:
        done = release(intake, article_id, act.form["channel"] or None, by=act.by)
        return see(address_of(done.operation))

    @routes.post("/articles/{article_id}/again", max_body_size=MAX_BODY)
    def publish_again(article_id: str, act: Annotated[Acting, Depends(acts)]) -> Response:
        return see(address_of(again(intake, article_id, by=act.by).operation))

    @routes.post("/articles/{article_id}/schedule", max_body_size=MAX_BODY)
    def schedule_article(article_id: str, act: Annotated[Acting, Depends(acts)]) -> Response:
        at = act.form["at"]
        moment = None if at == "now" else moment_of(at, field="at")
        return see(address_of(schedule(intake, article_id, moment, by=act.by).operation))

    @routes.post("/articles/{article_id}/replay", max_body_size=MAX_BODY)
    def replay_article(article_id: str, act: Annotated[Acting, Depends(acts)]) -> Response:
        done = replay(intake, by=act.by, article_id=article_id)
        if done.operation is None:
            raise Problem(409, "nothing-to-replay", "no delivery of the article is given up")
        return see(address_of(done.operation))

    return routes


def _written(cursor: Cursor | None) -> str:
    return "" if cursor is None else f"{cursor.updated.isoformat()}~{cursor.id}"


def _cursor(text: str) -> Cursor | None:
    if not text:
        return None
    updated, _, id = text.partition("~")
    try:
        moment = dt.datetime.fromisoformat(updated)
    except ValueError:
        raise Problem(400, "invalid-cursor", "`after` is none of this list's") from None
    if moment.tzinfo is None or not id:
        raise Problem(400, "invalid-cursor", "`after` is none of this list's")
    return Cursor(moment, id)
