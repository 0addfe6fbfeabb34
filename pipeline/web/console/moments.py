"""Times that people give in forms. Browsers' own inputs for a time have no zone: what they give is taken as UTC."""

import datetime as dt

from pipeline.web.problems import Problem


def moment_of(text: str, *, field: str) -> dt.datetime:
    """Read the value of an `<input type="datetime-local">`, or an RFC 3339 time. Raises Problem 400."""
    try:
        moment = dt.datetime.fromisoformat(text)
        return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        raise Problem(400, "invalid-form", f"`{field}` is not a time: give it as 2026-03-01T12:00, in UTC") from None
