"""NLM's language codes (ISO 639-2/B), in English and as BCP 47 tags.

Source: NLM's "MEDLINE/PubMed Language Table".
"""

from __future__ import annotations

_TABLE = """
afr Afrikaans af, alb Albanian sq, amh Amharic am, ara Arabic ar, arm Armenian hy, aze Azerbaijani az, ben Bengali bn,
bos Bosnian bs, bul Bulgarian bg, cat Catalan ca, chi Chinese zh, cze Czech cs, dan Danish da, dut Dutch nl,
eng English en, epo Esperanto eo, est Estonian et, fin Finnish fi, fre French fr, geo Georgian ka, ger German de,
gla Gaelic gd, gre Greek el, heb Hebrew he, hin Hindi hi, hrv Croatian hr, hun Hungarian hu, ice Icelandic is,
ind Indonesian id, ita Italian it, jpn Japanese ja, kin Kinyarwanda rw, kor Korean ko, lat Latin la, lav Latvian lv,
lit Lithuanian lt, mac Macedonian mk, mal Malayalam ml, mao Maori mi, may Malay ms, nor Norwegian no, per Persian fa,
pol Polish pl, por Portuguese pt, pus Pushto ps, rum Romanian ro, rus Russian ru, san Sanskrit sa, scr Croatian hr,
slo Slovak sk, slv Slovenian sl, spa Spanish es, srp Serbian sr, swe Swedish sv, tha Thai th, tur Turkish tr,
ukr Ukrainian uk, urd Urdu ur, vie Vietnamese vi, wel Welsh cy
"""
_ROWS = [row.split() for row in _TABLE.replace("\n", " ").split(",")]
_NAMES = {code: name for code, name, _ in _ROWS}
_TAGS = {code: tag for code, _, tag in _ROWS}
_UNDETERMINED = frozenset({"und", "mul"})


def language_names(codes: tuple[str, ...]) -> tuple[str, ...]:
    """Return names such as "Norwegian", without "und", "mul" and codes that are not in NLM's table."""
    return tuple(_NAMES[code.lower()] for code in codes if code.lower() in _NAMES)


def language_tag(codes: tuple[str, ...]) -> str | None:
    """Return the BCP 47 tag of the first language, or its three-letter code; None if it is undetermined."""
    code = codes[0].lower() if codes else "und"
    return None if code in _UNDETERMINED else _TAGS.get(code, code)
