"""A review that is dated ahead has not happened: readers must not be told that it has."""

from __future__ import annotations

import datetime as dt

from pipeline.errors import InvalidArticle
from pipeline.model.article import Article

_EARLIEST_ZONE = dt.timedelta(hours=14)  # where a day begins first


def check_review_date(article: Article, now: dt.datetime, *, file: str | None = None) -> None:
    """Raise InvalidArticle `review-to-come` where `reviewed` is a day that has begun nowhere yet."""
    if article.reviewed is not None and article.reviewed > (now + _EARLIEST_ZONE).date():
        raise InvalidArticle(
            f"the review is dated {article.reviewed}, which is still to come",
            code="review-to-come",
            file=file,
            field="reviewed",
            hint="give the day of the last review; the next one is `next_review`",
            article=article.id,
        )
