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
from pipeline.renditions.parts.labels import sentence_html, stated_attributes
from pipeline.renditions.parts.text import escape
from pipeline.wording import words_in_any_case

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
    words = words_in_any_case(withdrawal.language)
    when = time_html(withdrawal.withdrawn, words)
    said = sentence_html(words, words.translated("This article was withdrawn on {date}."), spanned=False, date=when)
    warning = escape(words.translated("Please do not rely on copies of it."))
    notice = f"<p{stated_attributes(words)}><strong>{said}</strong> {warning}</p>"
    return notice + paragraphs_html(withdrawal.reason, "reason")


def withdrawn_text(withdrawal: Withdrawal) -> str:
    """Return that the article was withdrawn, and when, as a line of plain text."""
    words = words_in_any_case(withdrawal.language)
    said = words.say("This article was withdrawn on {date}.", date=words.date(withdrawal.withdrawn))
    return " ".join((said, words.translated("Please do not rely on copies of it.")))
