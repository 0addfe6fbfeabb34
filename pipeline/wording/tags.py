"""Which catalogue a language tag (BCP 47) means, and which of CLDR's locales writes its dates.

A catalogue fits if its language and its script are the tag's: `zh-TW` is written in other characters than `zh`, and
`hi-Latn` in other letters than `hi`. What script a language is written in where the tag does not say, CLDR knows
(likely subtags, UTS 35, part 1, section 4.3). Anything else is English, nonsense included.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

ENGLISH = "en"
# Language and script of each catalogue; the file has the name of CLDR's locale.
CATALOGUES = {
    ("ar", "Arab"): "ar",
    ("de", "Latn"): "de",
    ("es", "Latn"): "es",
    ("fr", "Latn"): "fr",
    ("he", "Hebr"): "he",
    ("hi", "Deva"): "hi",
    ("it", "Latn"): "it",
    ("ja", "Jpan"): "ja",
    ("ko", "Kore"): "ko",
    ("pt", "Latn"): "pt",
    ("zh", "Hans"): "zh",
    ("zh", "Hant"): "zh_Hant",
}
_TAG = re.compile(  # RFC 5646, section 2.1, as far as a catalogue is chosen by it: variants and extensions follow
    r"(?P<language>[a-z]{2,3})(?:[-_][a-z]{3}){0,3}(?:[-_](?P<script>[a-z]{4}))?(?:[-_](?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?:[-_][a-z0-9]{1,8})*",
    re.IGNORECASE,
)
_SAME_SCRIPT = {"ja": {"Hrkt": "Jpan", "Hani": "Jpan"}, "ko": {"Hang": "Kore"}}
_LONGEST = 100  # characters of a tag that are looked at


@dataclass(frozen=True)
class Fit:
    """The catalogue of a language, and the locale of its dates."""

    catalogue: str  # of `CATALOGUES`, or `en`
    locale: str  # CLDR's, such as `pt_BR`
    meant: bool  # the language itself; else English stands in for it


_NONE = Fit(ENGLISH, ENGLISH, meant=False)


@lru_cache(maxsize=1024)
def fit(tag: str) -> Fit:
    """Return what writes this language. Never an error: a tag that means nothing has English in its place."""
    found = _TAG.fullmatch(tag[:_LONGEST])
    if found is None:
        return _NONE
    language = found["language"].lower()
    if language == ENGLISH:
        return Fit(ENGLISH, ENGLISH, meant=True)
    from babel.core import get_global

    language = get_global("language_aliases").get(language, language).lower()  # `iw` is `he`
    if language == ENGLISH:  # `eng`
        return Fit(ENGLISH, ENGLISH, meant=True)
    region = (found["region"] or "").upper()
    script = (found["script"] or "").title() or _likely_script(language, region)
    script = _SAME_SCRIPT.get(language, {}).get(script, script)
    catalogue = CATALOGUES.get((language, script))
    return Fit(catalogue, _locale(catalogue, region), meant=True) if catalogue else _NONE


def _likely_script(language: str, region: str) -> str:
    from babel.core import get_global

    likely = get_global("likely_subtags")
    full = likely.get(f"{language}_{region}") or likely.get(language) or ""
    return next((part for part in full.split("_")[1:] if len(part) == 4), "")


def _locale(catalogue: str, region: str) -> str:
    """Return the region's own locale where CLDR has one (`de_AT`: Jänner), or else the language's."""
    from babel.localedata import exists

    local = f"{catalogue}_{region}"
    return local if region and exists(local) else catalogue
