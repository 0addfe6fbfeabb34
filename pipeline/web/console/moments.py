"""Times in forms. Browsers' own inputs for a time have no zone: what people give there is taken as UTC."""

import datetime as dt

from pipeline.web.problems import Problem


def moment_of(text: str, *, field: str) -> dt.datetime:
    """Read the value of an `<input type="datetime-local">`, or an RFC 3339 time. Raises Problem 400."""
    try:
        moment = dt.datetime.fromisoformat(text)
        return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        raise Problem(400, "invalid-form", f"`{field}` is not a time: give it as 2026-03-01T12:00, in UTC") from None


def shown_at(text: str) -> dt.datetime:
    """Read when a page was made, which it says with its zone in the field `seen`. Raises Problem 400."""
    try:
        moment = dt.datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        pass
    raise Problem(400, "invalid-form", "`seen` is not the time of a page: load the page again")
