"""The first page: what needs a person, who must act, and the action as a button where the console has it."""

from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Response
from msgspec import Struct

from pipeline.model.roles import Scope
from pipeline.stages.context import Context
from pipeline.views.attention import NeedsYou, attention
from pipeline.web.console.articles import address_of_article
from pipeline.web.console.channels import address_of_channel
from pipeline.web.console.live import Watched
from pipeline.web.console.pages import HOME, Pages
from pipeline.web.console.sessions import SignedIn, signed_in
from pipeline.web.console.streams import watched_site
from pipeline.web.rooms import Room


class Action(Struct, frozen=True):
    """A button, or a link to the page that has it."""

    label: str
    path: str
    scope: Scope = "read"  # that the button needs
    is_link: bool = False


def router(context: Context, pages: Pages) -> Room:
    routes = pages.router()

    @routes.get("")
    def needs_you(
        who: Annotated[SignedIn, Depends(signed_in(context))], live: Annotated[Watched, Depends(watched_site(context))]
    ) -> Response:
        now = context.clock()
        with context.ledger.read() as transaction:
            channels = [one.id for one in context.channels_now(transaction).values() if not one.retired]
            unapplied = context.unapplied()
            found = attention(transaction, channels, now=now, disk=context.disk(), unapplied=unapplied).attention
        items = [(one, action_of(one)) for one in found]
        return pages.page("needs_you", who, now=now, items=items, live=live, place="needs-you")

    return routes


def action_of(one: NeedsYou) -> Action | None:
    """Return what the console can do about it, or None if it is done elsewhere."""
    match one.kind:
        case "article-held" if one.article and one.command.startswith("citewire release"):
            return Action(f"Release {one.article}", f"{address_of_article(one.article)}/release", "release")
        case "channel-paused" if one.channel:
            return Action("Resume", f"{address_of_channel(one.channel)}/resume", "channels")
        case "channel-disabled" | "channel-down" if one.channel:
            return Action("See the channel", address_of_channel(one.channel), is_link=True)
        case "delivery-exhausted" | "channel-refuses" if one.channel:
            return Action("See what fails", f"{HOME}/failures?channel={quote(one.channel)}", is_link=True)
        case _:
            return None
