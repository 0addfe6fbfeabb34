"""Recovery codes: ten that a person keeps on paper, each of which opens the console once."""

from __future__ import annotations

import re
import secrets

CODES = 10
_PREFIX = "cwr-"
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: none looks like another
# 24 letters of 5 bits each. From 112 random bits on a plain hash will do, which nobody reverses (ASVS 5.0, 6.5.2).
_GROUPS, _GROUP = 4, 6
_CODE = re.compile(rf"{_PREFIX}[{_LETTERS}]{{{_GROUP}}}(?:-[{_LETTERS}]{{{_GROUP}}}){{{_GROUPS - 1}}}")
_LIKE_OTHERS = str.maketrans("oil", "011")


def new_codes() -> tuple[str, ...]:
    return tuple(_new_code() for _ in range(CODES))


def code_in(text: str) -> str | None:
    """Return the recovery code that somebody typed, in the form that is kept, or None if it is none."""
    typed = text.strip().lower()
    if not typed.startswith(_PREFIX):
        return None
    code = _PREFIX + typed.removeprefix(_PREFIX).translate(_LIKE_OTHERS)
    return code if _CODE.fullmatch(code) else None


def _new_code() -> str:
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return _PREFIX + "-".join(groups)
