"""Validate language tags (BCP 47) as far as an article needs: a language that exists, then any further subtags."""

from __future__ import annotations

import re

from pipeline.hints import meant
from pipeline.intake.fields.invalid_value import InvalidValue, quoted
from pipeline.intake.fields.values import text_line

_TAG = re.compile(r"[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8}){0,8}")
_TWO_LETTERS = """
aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz
ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik
in io is it iu iw ja ji jv jw ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg
mh mi mk ml mn mo mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro
ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty
ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""  # in IANA's registry of language subtags
_WRITTEN_OUT = {
    "english": "en", "german": "de", "deutsch": "de", "french": "fr", "français": "fr", "spanish": "es",
    "español": "es", "italian": "it", "italiano": "it", "portuguese": "pt", "português": "pt", "dutch": "nl",
    "polish": "pl", "russian": "ru", "japanese": "ja", "chinese": "zh", "korean": "ko", "arabic": "ar", "turkish": "tr",
    "hebrew": "he", "hindi": "hi", "swedish": "sv", "danish": "da", "norwegian": "no", "finnish": "fi", "greek": "el",
    "czech": "cs", "hungarian": "hu", "romanian": "ro", "ukrainian": "uk", "persian": "fa", "urdu": "ur",
    "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "ita": "it", "por": "pt",
    "nld": "nl", "dut": "nl", "pol": "pl", "rus": "ru", "jpn": "ja", "zho": "zh", "chi": "zh", "kor": "ko", "ara": "ar",
    "jp": "ja", "cn": "zh", "gr": "el", "cz": "cs", "dk": "da", "gb": "en-GB", "us": "en-US", "ua": "uk",
}  # fmt: skip


def language(value: object) -> str:
    """Read a language tag, with its language in lower case. Raises InvalidValue for a language that does not exist."""
    text = text_line(value)
    if not _TAG.fullmatch(text):
        raise InvalidValue(f"{quoted(text)} is not a language tag", hint=_hint(text))
    first, *rest = text.replace("_", "-").split("-")
    if first.lower() in _WRITTEN_OUT or not (first.lower() in _TWO_LETTERS.split() or len(first) == 3):
        raise InvalidValue(f"{quoted(text)} names no language", hint=_hint(first))
    if rest and rest[0].upper() == "UK":
        raise InvalidValue(f"{quoted(text)} names no region", hint=f"write {first.lower()}-GB")
    return "-".join([first.lower(), *rest])


def _hint(text: str) -> str:
    name = meant(text, _WRITTEN_OUT)
    return f'write "{_WRITTEN_OUT[name]}"' if name else 'write one such as "en" or "pt-BR" (BCP 47)'
