"""Decode a file's bytes: UTF-8 or UTF-16, or for a page the encoding that it declares."""

from __future__ import annotations

import codecs
import re

from pipeline.errors import InvalidArticle
from pipeline.intake.binary import refuse_binary
from pipeline.intake.fields.text import is_blank, stripped_of_controls

MAX_BYTES = 5 * 1024 * 1024  # of one article file

_DECLARED = re.compile(
    rb"<meta[^>]{0,300}?\bcharset\s*=\s*[\"']?\s*([\w:.-]{1,40})|<\?xml[^>]{0,100}?\bencoding\s*=\s*[\"']([\w:.-]{1,40})",
    re.IGNORECASE,
)
_LOOKED_AT = 8192  # bytes of a page searched for a declared encoding; HTML requires it in the first 1024
_SHIFTS = re.compile(rb"\x1b[$(]")  # escape sequences of ISO-2022: without them its text is ASCII

# Labels as the Encoding Standard reads them: what calls itself Latin-1 is Windows-1252 on the web.
_LABELS = {
    "latin1": "cp1252", "latin-1": "cp1252", "l1": "cp1252", "ascii": "cp1252", "us-ascii": "cp1252",
    "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "iso-8859-9": "cp1254", "iso-8859-11": "cp874", "tis-620": "cp874",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932",
    "euc-jp": "euc_jp", "x-euc-jp": "euc_jp", "iso-2022-jp": "iso2022_jp", "gb2312": "gb18030", "gbk": "gb18030",
    "gb18030": "gb18030", "x-gbk": "gb18030", "big5": "big5hkscs", "big5-hkscs": "big5hkscs", "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949", "koi8-r": "koi8_r", "koi8-u": "koi8_u", "ibm866": "cp866", "macintosh": "mac_roman",
    "x-mac-roman": "mac_roman", "x-mac-cyrillic": "mac_cyrillic",
    **{f"windows-{page}": f"cp{page}" for page in (874, *range(1250, 1259))},
    **{f"cp{page}": f"cp{page}" for page in range(1250, 1259)},
    **{f"iso-8859-{part}": f"iso8859_{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
}  # fmt: skip


def decode(data: bytes, name: str) -> str:
    """Return the text without its byte-order mark and control characters, with lines ended by "\\n".

    Raises InvalidArticle `article-too-large`, `not-text`, `not-utf-8` (with the line), `article-empty`.
    """
    _check_size(data, name)
    return _tidied(_unicode(data, name), name)


def decode_page(data: bytes, name: str) -> str:
    """Decode as `decode` does, falling back to the encoding that a page declares if it is not UTF-8.

    UTF-8 is tried before the declared encoding: a saved page is often converted and still declares its former encoding.
    """
    _check_size(data, name)
    encoding = _declared(data)
    if encoding is None or _has_mark(data):
        return _tidied(_unicode(data, name), name)
    if encoding == "iso2022_jp" and _SHIFTS.search(data):
        return _tidied(_decoded(data, encoding, name), name)
    try:
        return _tidied(data.decode(), name)
    except UnicodeDecodeError:
        return _tidied(_decoded(data, encoding, name), name)


def _check_size(data: bytes, name: str) -> None:
    if len(data) > MAX_BYTES:
        raise InvalidArticle(
            f"the file has more than {MAX_BYTES:,} bytes",
            code="article-too-large",
            file=name,
            hint="shorten the article, or link images instead of embedding them",
        )
    refuse_binary(data, name)


def _tidied(text: str, name: str) -> str:
    text = stripped_of_controls(text)
    if is_blank(text):
        raise InvalidArticle("the file is empty", code="article-empty", file=name, hint="write a title and a body")
    return text


def _has_mark(data: bytes) -> bool:
    return data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def _unicode(data: bytes, name: str) -> str:
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return _decoded(data, "utf-16" if wide else "utf-8-sig", name)


def _declared(data: bytes) -> str | None:
    """Return the codec of the first declared encoding if browsers support it and it is not UTF-8."""
    found = _DECLARED.search(data, 0, _LOOKED_AT)
    label = (found[1] or found[2]).decode().lower() if found else ""
    return _LABELS.get(label)


def _decoded(data: bytes, encoding: str, name: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        called = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16"}.get(encoding, f"{encoding}, as it declares,")
        raise InvalidArticle(
            f"the text is not {called} from byte {error.start} on",
            code="not-utf-8",
            file=name,
            line=data.count(b"\n", 0, error.start) + 1,
            hint="save the file as UTF-8",
        ) from error
