"""A sample for a channel that is tried out: signed and sent like any delivery, and shown by nobody.

It is the withdrawal of an article that never was. A partner that takes it has the right address, credentials and
signature, and has nothing to take away; one that is sent a made-up article would publish it.
"""

from __future__ import annotations

import datetime as dt

from pipeline.model.delivery import Links, Parcel, Receipt
from pipeline.model.rendition import Format, Rendition
from pipeline.model.revision import Withdrawal
from pipeline.model.site import Site
from pipeline.stages.context import ChannelPlan

PREFIX = "citewire-test-"  # of the article's id
REASON = "This is a test. There is no such article."


def sample(format: Format, site: Site, *, token: str, at: dt.datetime) -> Parcel:
    """Return the parcel. `token` makes its id another one each time, so that no partner takes it for a repetition."""
    article = PREFIX + token
    gone = Withdrawal(article_id=article, title="Test", number=1, reason=REASON, published=at, withdrawn=at)
    page = f"{site.url}/articles/{article}"
    return Parcel(
        message_id=f"msg_{token}.1.withdrawn",
        article_id=article,
        title="Test",
        revision=1,
        event="withdrawn",
        rendition=Rendition(format.name, format.media_type, format.tombstone(gone, site)),
        extension=format.extension,
        at=at,
        links=Links(page=page, rendition=f"{page}.{format.extension}", amp=f"{page}.amp.html"),
    )


def send_sample(plan: ChannelPlan, format: Format, site: Site, *, token: str, at: dt.datetime) -> Receipt:
    """Send a channel the sample. Raises as `Channel.deliver`, and ConfigError if the channel cannot be opened."""
    channel = plan.open()
    try:
        return channel.deliver(sample(format, site, token=token, at=at))
    finally:
        channel.close()
