"""Refuse a review date in the future, because readers must not see a review that has not happened."""

from __future__ import annotations

import datetime as dt

from pipeline.errors import InvalidArticle
from pipeline.model.article import Article

_EARLIEST_ZONE = dt.timedelta(hours=14)  # where a day begins first


def check_review_date(article: Article, now: dt.datetime, *, file: str | None = None) -> None:
    """Raise InvalidArticle `review-to-come` if `reviewed` is a day that has not begun in any time zone."""
    if article.reviewed is not None and article.reviewed > (now + _EARLIEST_ZONE).date():
        raise InvalidArticle(
            f"the review is dated {article.reviewed}, which is still to come",
            code="review-to-come",
            file=file,
            field="reviewed",
            hint="give the day of the last review; the next one is `next_review`",
            article=article.id,
        )
