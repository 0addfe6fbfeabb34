"""The headings under which people list what they cite, in the languages that articles come in."""

from __future__ import annotations

import re

# Lists under these are references whatever their entries hold.
_CERTAIN = (
    "references?", "reference list", "list of references", "cited references", "selected references", "key references",
    "bibliograph(?:y|ies)", "selected bibliography", "works cited", "literature cited", "literature", "citations?",
    "sources?", "source list", "sources? and references?", "references? and sources?",
    "references? and further reading",
    "references? and notes", "notes and references?", "evidence", "medical references?", "article sources?",
    "scientific references?", "resources? and references?",
    "literatur(?:verzeichnis|angaben|liste)?", "quellen(?:angaben|verzeichnis|nachweise?)?", "referenzen",
    "einzelnachweise", "belege", "literatur und quellen",
    "références?(?: bibliographiques?)?", "bibliographie", "sources? bibliographiques?",
    "referencias?(?: bibliográficas)?", "bibliografía", "fuentes", "fuentes? y referencias?",
    "referências?(?: bibliográficas)?", "bibliografia", "fontes",
    "riferimenti(?: bibliografici)?", "fonti", "note bibliografiche",
    "referenties", "bronnen(?:lijst)?", "literatuur(?:lijst)?", "bronvermelding",
    "referenser", "källor", "litteratur(?:förteckning)?", "referanser", "kilder", "referencer", "kildehenvisninger",
    "lähteet", "viitteet", "piśmiennictwo", "literatura", "źródła", "bibliografia", "reference a zdroje", "zdroje",
    "irodalom(?:jegyzék)?", "források", "kaynaklar", "kaynakça", "referanslar",
    "литература", "список литературы", "источники", "библиография", "література", "джерела",
    "βιβλιογραφία", "αναφορές", "πηγές", "المراجع", "المصادر", "منابع", "מקורות", "ביבליוגרפיה", "संदर्भ",
    "参考文献", "参考資料", "引用文献", "文献", "参考资料", "參考文獻", "出典", "참고문헌", "참고 문헌", "출처",
    "เอกสารอ้างอิง", "tài liệu tham khảo", "referensi", "daftar pustaka", "rujukan",
)  # fmt: skip

# Lists under these may be anything else, and are references if they name papers.
_POSSIBLE = (
    "further reading", "recommended reading", "suggested reading", "additional reading", "read more",
    "more information",
    "resources", "additional resources", "useful links", "links", "external links", "learn more",
    "notes?", "footnotes?", "endnotes?", "studies", "research", "publications?", "scientific evidence",
    "weiterführende literatur", "weiterführende links", "anmerkungen", "fußnoten",
    "lectures complémentaires", "notes? de bas de page", "pour en savoir plus", "lecturas recomendadas", "notas",
    "note", "letture consigliate", "noten", "verder lezen", "脚注", "注",
)  # fmt: skip


def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    around = rf"[\W\d_]*(?:{'|'.join(names)})(?:\s*\(\d+\))?[\W_]*(?:\[?(?:edit|edit source)\]?)?\W*"
    return re.compile(around, re.IGNORECASE)


CERTAIN, POSSIBLE = _pattern(_CERTAIN), _pattern(_POSSIBLE)
MOST = 60  # characters of a heading


def is_certain(text: str) -> bool:
    """Return whether a list below this heading is a list of references."""
    return len(text) <= MOST and CERTAIN.fullmatch(" ".join(text.split())) is not None


def is_possible(text: str) -> bool:
    """Return whether a list below this heading may be a list of references."""
    return len(text) <= MOST and (is_certain(text) or POSSIBLE.fullmatch(" ".join(text.split())) is not None)
