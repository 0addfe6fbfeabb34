"""Print answers for people: tables on a terminal, plain lines elsewhere."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TextIO

from pipeline.errors import InvalidEvent
from pipeline.model.moment import rfc3339
from pipeline.model.reading import ReadWarning
from pipeline.model.words import count as counted
from pipeline.views.channel_state import state_of
from workers.cli.tables import cell, displayed, table
from workers.cli.times import shown as time_shown

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.ledger.findings import Finding
    from pipeline.views import articles as articles_views
    from pipeline.views import attention as attention_views
    from pipeline.views import channels as channels_views
    from pipeline.views import cited as cited_views
    from pipeline.views import deliveries as deliveries_views
    from pipeline.views import listing as listing_views
    from pipeline.views import operations as operations_views
    from pipeline.views import places as places_views
    from pipeline.views import proofs as proofs_views
    from pipeline.views import recall as recall_views
    from pipeline.views import references as references_views
    from pipeline.views import snapshots as snapshots_views
    from pipeline.views import system as system_views
    from pipeline.views import verdicts as verdicts_views
    from pipeline.views.articles import Withheld
    from pipeline.views.passkeys import InvitationSummary, PersonSummary
    from pipeline.views.sessions import SessionSummary
    from pipeline.views.system import ChannelHealth, RunningProcess
    from workers.restoring import Asked

Shape = dict[str, Any]


@cache
def answers() -> Console:
    """Return standard output as rich sees it, which a command with `--json` does not need."""
    from rich.console import Console

    return Console()


@cache
def notes() -> Console:
    """Return standard error as rich sees it."""
    from rich.console import Console

    return Console(stderr=True)


def accepted(shapes: Sequence[Shape]) -> None:
    for shape in shapes:
        new = "accepted" if shape["changed"] else "nothing new"
        line(f"{shape['article']}  revision {shape['revision']}  {new}")


@contextmanager
def progress(total: int) -> Iterator[Callable[[Sequence[str]], None]]:
    """Show a progress bar on a terminal; elsewhere print the lines of each article that has ended."""
    if not notes().is_terminal:
        yield print_lines
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=notes()) as bar:
        task = bar.add_task("delivering", total=total)

        def show(lines: Sequence[str]) -> None:
            for text in lines:  # above the bar
                notes().print(displayed(text), highlight=False, soft_wrap=True, markup=False)
            bar.advance(task)

        yield show


def print_lines(lines: Sequence[str]) -> None:
    for text in lines:
        _print(text, sys.stderr)


def cited(article: str, counts: cited_views.CitedCounts | None) -> None:
    """Say how many references are watched, and what is wrong with others."""
    if counts is None or not counts.total:
        return
    _print(f"{article}  {counts.summary}", sys.stderr)
    for one in counts.warnings:
        hint = f" ({one.hint})" if one.hint else ""
        _print(f"{article}  warning: {one.message}{hint} [{one.code}]", sys.stderr)


def standing(shape: articles_views.ArticleStatus, now: dt.datetime, *, utc: bool = False) -> None:
    answers().print(f"[bold]{_plain(shape.title)}[/bold]", highlight=False)
    answers().print(f"{shape.article}  {shape.state}  revision {shape.revision}", highlight=False)
    if shape.error:
        answers().print(f"error: {_plain(shape.error)}", style="red", highlight=False)
    rows = [(one.id, one.state, ", ".join(one.editorial), one.citation) for one in shape.references]
    table(answers(), "references", ("id", "state", "editorial", "citation"), rows, prose=("citation",))
    cited(shape.article, shape.cited)
    sizes = [(one.format, one.media_type, one.bytes) for one in shape.renditions]
    table(answers(), "renditions", ("format", "media type", "bytes"), sizes)
    deliveries(shape.deliveries, now, utc=utc)
    withheld(shape.withheld)
    proofs(shape.proofs)


def articles(shapes: Sequence[listing_views.ArticleSummary], now: dt.datetime, *, utc: bool = False) -> None:
    columns = ("article", "state", "revision", "updated", "evidence", "worst", "title")
    rows = [
        (
            one.article,
            f"{one.state} {time_shown(one.scheduled, now, utc=utc)}".strip(),
            one.revision,
            time_shown(one.updated, now, utc=utc),
            ", ".join(one.evidence),
            one.worst,
            one.title,
        )
        for one in shapes
    ]
    table(answers(), "articles", columns, rows, prose=("title",), spare=("revision", "title", "evidence", "updated"))


def holders(rows: Mapping[str, Mapping[str, int]]) -> None:
    """Print which revision of each article the site and each channel has.

    This goes to standard error, because it is shown before asking for confirmation.
    """
    places = sorted({place for revisions_at in rows.values() for place in revisions_at})
    cells = [
        (article, *(revisions_at.get(place) for place in places or [""])) for article, revisions_at in rows.items()
    ]
    table(notes(), "held", ("article", *(places or ["nobody has any"])), cells)


def withheld(shapes: Sequence[Withheld]) -> None:
    """Print which channels do not get an article, and why."""
    rows = [(one.channel or "everyone", one.cause, one.since, one.reason) for one in shapes]
    table(answers(), "withheld", ("from", "cause", "since", "reason"), rows, prose=("reason",))


def shown(shape: snapshots_views.Snapshot) -> None:
    """Print what a channel held at a given time."""
    where = shape.channel or "the site itself"
    if shape.revision is None:
        line(f"{where} had nothing of it at {cell(shape.at)}")
        return
    line(f"{where} held revision {shape.revision}, {shape.event}, since {cell(shape.since)}")
    rows = [(one.id, one.state, ", ".join(one.editorial), one.citation) for one in shape.references]
    table(answers(), "references", ("id", "state", "editorial", "citation"), rows, prose=("citation",))


def released(article_id: str, revision: int, channels: Sequence[str]) -> None:
    to = ", ".join(channels) or "everyone"
    line(f"{article_id}  revision {revision}  released to {to}")


def evidence_changes(shapes: Sequence[references_views.EvidenceChange]) -> None:
    """Print how the status of cited papers changed, newest first."""
    rows = [(one.at, one.pmid, ", ".join(one.gained), ", ".join(one.lost), ", ".join(one.articles)) for one in shapes]
    table(answers(), "evidence changes", ("at", "pmid", "gained", "lost", "articles"), rows, prose=("articles",))


def deliveries(shapes: Sequence[deliveries_views.Delivery], now: dt.datetime, *, utc: bool = False) -> None:
    """Print deliveries, each with when it is tried next or, if it is not, when its state changed."""
    columns = ("id", "article", "channel", "revision", "state", "when", "attempts", "error")
    rows = [
        (
            one.id,
            one.article,
            one.channel,
            one.revision,
            one.state,
            time_shown(one.due or one.changed, now, utc=utc),
            one.attempts,
            one.error,
        )
        for one in shapes
    ]
    spare = ("attempts", "revision", "channel", "article")
    table(answers(), "deliveries", columns, rows, prose=("error",), spare=spare)


def references(shapes: Sequence[references_views.KnownReference]) -> None:
    columns = ("pmid", "state", "editorial", "cited by", "citation")
    rows = [
        (one.pmid or one.id, one.state, ", ".join(one.editorial), ", ".join(one.articles), one.citation)
        for one in shapes
    ]
    table(answers(), "references", columns, rows, prose=("cited by", "citation"))
    by_source = [_source(one.pmid or one.id, source) for one in shapes for source in one.sources]
    table(
        answers(),
        "verdicts by source",
        ("paper", "source", "says", "notice", "as of", "failing since"),
        by_source,
        prose=("says", "notice"),
    )


def _source(paper: str, one: verdicts_views.SourceSays) -> tuple[str, ...]:
    notices = [
        " ".join(filter(None, (verdict.date, verdict.notice_pmid or verdict.notice_doi))) for verdict in one.verdicts
    ]
    says = ", ".join(one.says) or ("nothing" if one.asked else "")
    times = [rfc3339(at) if at else "" for at in (one.asked, one.failing)]
    return (paper, one.label, says, ", ".join(filter(None, notices)), *times)


def channels(shapes: Sequence[ChannelHealth], now: dt.datetime) -> None:
    rows = [(one.channel, state_of(one, now, at=rfc3339).words, reason(one)) for one in shapes]
    table(answers(), "channels", ("channel", "state", "reason"), rows, prose=("state", "reason"))


def channel(one: channels_views.WholeChannel, now: dt.datetime, *, utc: bool = False) -> None:
    """Print how a channel is, how it has answered lately, and what failed last."""
    channels([one.health], now)
    figures = one.figures
    line(
        f"since {time_shown(figures.since, now, utc=utc)}: {figures.accepted:,} accepted, {figures.failed:,} failed,"
        f" {figures.per_hour:,.1f} attempts an hour"
    )
    if figures.median is not None:
        line(f"half took at most {figures.median:,} ms, 95 of 100 {figures.p95:,} ms, 99 of 100 {figures.p99:,} ms")
    rows = [
        (e.delivery, e.article, time_shown(e.at, now, utc=utc), e.outcome, e.status, e.detail) for e in figures.errors
    ]
    columns = ("delivery", "article", "at", "outcome", "status", "detail")
    table(answers(), "failed last", columns, rows, prose=("detail",), spare=("status", "article"))


def reason(channel: ChannelHealth) -> str:
    """Return why it is paused, or else the last error while it is in trouble, or where to read more."""
    if channel.paused is not None:
        return channel.pause_reason or ""
    trouble = channel.reason or ("see `citewire failures`" if channel.abandoned else "")
    if trouble or channel.secret_rotated is None:
        return trouble
    return f"its secret was rotated on {rfc3339(channel.secret_rotated)}"


def system(shape: system_views.SystemStatus, now: dt.datetime) -> None:
    for name in ("articles", "references", "deliveries"):
        counts = ", ".join(f"{count} {state}" for state, count in sorted(getattr(shape, name).items()))
        answers().print(f"{name}: {counts or 'none'}", highlight=False)
    channels(shape.channels, now)
    outstanding = [(one.channel, one.article, one.state, one.error or "") for one in shape.withdrawals_owed]
    table(answers(), "withdrawals owed", ("channel", "article", "state", "error"), outstanding, prose=("error",))
    proofs(shape.proofs)
    for place in shape.places_left:
        where = place.place or "an unknown place"
        line(f"{where} was left by {place.channel} and has {place.articles} articles: see `citewire places`")
    for key, count in shape.drift.items():
        line(f"{key}: {count} things there are not as they should be: see `citewire reconcile`")
    for channel, count in shape.not_configured.items():
        answers().print(
            f"{channel} is no longer configured and has {count} unfinished deliveries: see `citewire channels forget`"
        )
    _processes(shape.processes)
    answers().print(f"web: {shape.web or 'not running'}", highlight=False)


def attention(found: Sequence[attention_views.NeedsYou], now: dt.datetime, *, utc: bool = False) -> None:
    """Print what needs a person, by who must act."""
    if not found:
        line("nothing needs a person")
    for who in dict.fromkeys(one.who for one in found):
        line(f"needs the {who}:")
        for one in found:
            if one.who == who:
                since = ", since " + _since(one.since, now, utc=utc) if one.since else ""
                line(f"  {one.what}{since} [{one.kind}]")
                line(f"    {one.command}")


def _since(moment: dt.datetime, now: dt.datetime, *, utc: bool) -> str:
    return rfc3339(moment) if utc else f"{rfc3339(moment)} ({time_shown(moment, now)})"


def _processes(running: Sequence[RunningProcess]) -> None:
    """Print the processes that take no work, and those whose settings differ."""
    for one in running:
        if one.trouble:
            line(f"{one.name} takes no work: {one.trouble}")
    by_settings = {one.settings: [other.name for other in running if other.settings == one.settings] for one in running}
    if len(by_settings) > 1:
        line("processes differ in their settings: " + "; ".join(", ".join(names) for names in by_settings.values()))


def places(shapes: Sequence[places_views.Place]) -> None:
    rows = [(one.key, one.state, one.articles, one.place or "unknown", one.reason or "") for one in shapes]
    table(answers(), "places", ("key", "state", "articles", "place", "reason"), rows, prose=("place", "reason"))


def line(text: str) -> None:
    """Print a line of an answer unchanged."""
    _print(text, sys.stdout)


def _print(text: str, file: TextIO) -> None:
    """Print a line, without rich, at once: `citewire tail | grep …` goes on, and shows each as it comes."""
    print(displayed(text), file=file, flush=True)


_SHOWN = 20  # findings of a place; --json has all


def restored(asked: Sequence[Asked], undecided: Sequence[Finding]) -> None:
    """Print which places were asked after a restore, what lies beyond the backup, and what to do next."""
    for one in asked:
        articles_beyond = f"{one.found} beyond the backup" if one.readable else "cannot be asked"
        line(f"{one.key}  {one.place}: {one.error or articles_beyond}")
    for place, group in groupby(undecided, key=lambda one: one.place):
        some = list(group)
        for found in some[:_SHOWN]:
            line(f"beyond the backup: {found.article or place}: {found.detail}{f' [{place}]' if place else ''}")
        if len(some) > _SHOWN:
            line(f"beyond the backup: {len(some) - _SHOWN} more [{place}]")
    decide = "publish or withdraw what is beyond the backup, or `citewire restore --accept` it; then run"
    line(f"everything is held: {decide if undecided else 'run'} `citewire restore --resume`")


def waiting(shape: Shape) -> None:
    """Print how many articles are waiting to be rendered, why, and how much disk space is left."""
    why = f": {shape['error']}" if shape["error"] else ""
    free = "" if shape["free"] is None else f"; {shape['folder']} has {shape['free']:,} bytes free"
    line(f"waiting: {shape['articles']}{why}{free}")


def note(text: str) -> None:
    """Print a remark about an answer on standard error."""
    _print(f"citewire: {text}", sys.stderr)


def left_out(files: Sequence[tuple[str, str]]) -> None:
    """Print the files of folders that were not published, grouped by reason."""
    for why, some in groupby(sorted(files, key=itemgetter(1)), key=itemgetter(1)):
        names = [file for file, _ in some]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        note(f"left out, {why}: {', '.join(names[:3])}{more}")


def warnings(given: Sequence[ReadWarning]) -> None:
    """Print the warnings from reading a file on standard error."""
    for one in given:
        note(str(one))


def mistake(error: InvalidEvent) -> Shape:
    """Return an error as `--json` shows it."""
    return {
        "code": error.code,
        "message": error.message,
        "file": error.file,
        "line": error.line,
        "field": error.field,
        "hint": error.hint,
        "mend": error.hint,  # the key's former name, for one release
    }


def tokens(shape: Shape) -> None:
    kept, ends = ("id", "name", "scope", "state", "created"), ("expires", "used")
    rows = [(*(one[key] for key in kept), *(one[key] or "never" for key in ends)) for one in shape["tokens"]]
    table(answers(), "tokens", (*kept, *ends), rows, prose=("name",), spare=("created", "used"))


def passkeys(
    people: Sequence[PersonSummary], invited: Sequence[InvitationSummary], now: dt.datetime, *, utc: bool = False
) -> None:
    rows = [
        (
            one.id,
            person.name,
            person.role,
            person.id,
            one.name,
            time_shown(one.added, now, utc=utc),
            "never" if one.used is None else time_shown(one.used, now, utc=utc),
            str(person.codes),
        )
        for person in people
        for one in person.passkeys
    ]
    columns = ("id", "name", "role", "person", "passkey", "added", "used", "codes left")
    table(answers(), "passkeys", columns, rows, prose=("name", "passkey"), spare=("added", "person"))
    for person in people:
        if not person.passkeys:
            line(f"{person.name} ({person.id}) has no passkey, and {person.codes} recovery codes")
    waiting = [(one.id, one.name, one.role, time_shown(one.expires, now, utc=utc)) for one in invited]
    table(answers(), "invitations", ("id", "name", "role", "expires"), waiting, prose=("name",))
    if not people and not invited:
        line("nobody has a passkey, and nobody is invited")


def sessions(shapes: Sequence[SessionSummary], now: dt.datetime, *, utc: bool = False) -> None:
    columns = ("id", "name", "subject", "role", "since", "used", "from")
    rows = [
        (
            one.id,
            one.name,
            one.subject,
            one.role,
            time_shown(one.since, now, utc=utc),
            time_shown(one.used, now, utc=utc),
            one.client,
        )
        for one in shapes
    ]
    table(answers(), "sessions", columns, rows, prose=("name",), spare=("since", "from"))
    if not shapes:
        line("nobody is signed in")


def tried(shape: deliveries_views.DeliveryWithAttempts, now: dt.datetime, *, utc: bool = False) -> None:
    """Print every attempt at a delivery."""
    columns = ("at", "revision", "outcome", "status", "milliseconds", "detail", "answer")
    rows = [tuple(getattr(one, name) for name in columns) for one in shape.tried]
    deliveries([shape], now, utc=utc)
    table(answers(), "attempts", columns, rows, prose=("detail", "answer"), spare=("milliseconds", "revision"))


def proofs(shapes: Sequence[proofs_views.Proof]) -> None:
    """Print which channels accepted a withdrawal but still show the article, or do not say whether they do."""
    rows = [
        (one.channel, one.article, one.withdrawn, one.shown or one.error)
        for one in shapes
        if one.proved is None and (one.shown or one.error)
    ]
    table(answers(), "withdrawn and still shown", ("channel", "article", "withdrawn", "where"), rows, prose=("where",))


def _plain(text: str) -> str:
    """Escape article text: it may hold square brackets, which rich would take for markup."""
    return displayed(text).replace("[", r"\[")


def operations(every: Sequence[operations_views.Operation]) -> None:
    for one in every:
        whole = max(one.planned or 0, len(one.parts))
        words = [one.operation, f"{one.at:%Y-%m-%d %H:%M:%S}Z", one.kind, one.by, f"{one.changed} of {whole} done"]
        words += [f"undoes {one.undoes}"] if one.undoes else []
        line("  ".join(words if one.state == "done" else [*words, one.state]))


def operation(one: operations_views.Operation) -> None:
    operations([one])
    for part in one.parts:
        words = [part.article or "", part.outcome, part.channel or "", part.file or "", part.reason or ""]
        if part.revision is not None and part.revision != part.before:
            words.insert(2, f"revision {part.before or 'none'} → {part.revision}")
        line("  " + "  ".join(word for word in words if word))
    if one.to_arrive:
        line(f"  {counted(one.to_arrive, 'delivery is', 'deliveries are')} still to arrive")
    if one.given_up:
        line(f"  {counted(one.given_up, 'delivery was', 'deliveries were')} given up again: see `citewire failures`")
    if one.state == "interrupted":
        line("  it was stopped midway: the same command again does the rest, `citewire undo` takes back what was done")


def recall(one: recall_views.Recall) -> None:
    certificate = one.certificate
    line(f"{certificate.citation}")
    line(
        f"{', '.join(certificate.editorial) or 'in good standing again'}; first noticed {_moment(certificate.noticed)}"
    )
    for source in certificate.sources:
        line(f"  {source.label}: {', '.join(source.says) or 'nothing'} (asked {_moment(source.asked)})")
    for article in certificate.articles:
        line(f"{article.article}  {article.state}  corrected {_moment(article.corrected)}")
        for place in article.places:
            reached = "reached" if place.reached else f"not reached: {place.error or 'it waits'}"
            line(f"  {place.place}  {reached}  corrected {_moment(place.corrected)}  back {_moment(place.taken_back)}")
    line("signed; --json prints the signature" if one.jws else "not signed: set evidence.signing_key")


def _moment(at: dt.datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "never"
