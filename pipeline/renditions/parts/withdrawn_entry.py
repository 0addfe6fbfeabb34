"""The entry that replaces a withdrawn article in feeds, for readers that know nothing of withdrawals.

Such a reader keeps an entry that leaves a feed, and replaces one that comes again under the same id. For
`Site.tombstone_days` the subscription document therefore has an entry whose title and text say that the article was
withdrawn and why. Archive pages have none: a reader that has something to replace polls the subscription document.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pipeline.model.rendition import Page
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Site
from pipeline.renditions.parts.dates import time_html
from pipeline.renditions.parts.fragments import paragraphs_html
from pipeline.renditions.parts.head import moment_of

Entries = Sequence[Revision | Withdrawal]


def shown(entries: Entries, site: Site, page: Page) -> list[Revision | Withdrawal]:
    """Return the entries that readers are shown: live articles, and what was withdrawn not long ago.

    A withdrawal's age is counted from the newest change among the entries, so that the same entries always give the
    same document. A feed in which nothing changes keeps showing it.
    """
    newest = max(map(moment_of, entries), default=None)
    days = site.tombstone_days if page.number is None else 0
    return [one for one in entries if isinstance(one, Revision) or (newest and days and _age(one, newest) <= days)]


def _age(withdrawal: Withdrawal, newest: dt.datetime) -> float:
    return (newest - withdrawal.withdrawn) / dt.timedelta(days=1)


def withdrawn_html(withdrawal: Withdrawal) -> str:
    """Return the entry's text: that the article was withdrawn, when and why, and nothing that it said."""
    when = time_html(withdrawal.withdrawn, "en")
    notice = (
        f'<p lang="en"><strong>This article was withdrawn on {when}.</strong> Please do not rely on copies of it.</p>'
    )
    return notice + paragraphs_html(withdrawal.reason, "reason")
