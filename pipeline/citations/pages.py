"""Page ranges: PubMed, ICMJE and NLM shorten them ("284-7"), AMA writes them out ("284-287")."""

from __future__ import annotations

import re
from collections.abc import Callable

_RANGE = re.compile(
    r"(?<![\w.\-\u2013])([A-Za-z]*)(\d+)([A-Za-z]*)[-\u2013]([A-Za-z]*)(\d+)([A-Za-z]*)(?![\w.\-\u2013])"
)


def full_pages(pages: str) -> str:
    """Write "284-7" as "284-287" and "S93-9" as "S93-S99", whatever is around it.

    "e123", "169-174.1" and "S9-63-S9-69", whose page numbers contain hyphens, are left as they are.
    """
    return _each_range(pages, _write_out)


def short_pages(pages: str) -> str:
    """Write "284-287" as "284-7", "H337-H349" as "H337-49"; a letter after the number is kept with all its digits."""
    return _each_range(pages, _shorten)


def _each_range(pages: str, rewrite: Callable[[str, str, str, str, str, str], str]) -> str:
    return _RANGE.sub(lambda found: rewrite(*found.groups()), pages)


def _write_out(prefix: str, first: str, suffix: str, prefix2: str, last: str, suffix2: str) -> str:
    if len(last) < len(first):
        last = first[: len(first) - len(last)] + last
    return f"{prefix}{first}{suffix}-{prefix2 or prefix}{last}{suffix2}"


def _shorten(prefix: str, first: str, suffix: str, prefix2: str, last: str, suffix2: str) -> str:
    if suffix or suffix2 or prefix2 not in ("", prefix):
        return f"{prefix}{first}{suffix}-{prefix2}{last}{suffix2}"
    if len(first) == len(last) and first != last:
        last = last[next(index for index, digit in enumerate(first) if digit != last[index]) :]
    return f"{prefix}{first}-{last}"
