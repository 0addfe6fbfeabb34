"""A file's bytes as text: UTF-8, or UTF-16 with a byte-order mark."""

from __future__ import annotations

import codecs

from pipeline.errors import InvalidArticle
from pipeline.intake.fields.text import is_blank, stripped_of_controls

MAX_BYTES = 5 * 1024 * 1024  # of one article file


def decode(data: bytes, name: str) -> str:
    """The text without its byte-order mark and control characters, lines ended by "\\n".

    Raises InvalidArticle `article-too-large`, `not-utf-8` (with the line), `article-empty`.
    """
    if len(data) > MAX_BYTES:
        raise InvalidArticle(
            f"the file has more than {MAX_BYTES:,} bytes",
            code="article-too-large",
            file=name,
            hint="shorten the article, or link images instead of embedding them",
        )
    text = stripped_of_controls(_text(data, name))
    if is_blank(text):
        raise InvalidArticle("the file is empty", code="article-empty", file=name, hint="write a title and a body")
    return text


def _text(data: bytes, name: str) -> str:
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InvalidArticle(
            f"the text is not {'UTF-16' if encoding == 'utf-16' else 'UTF-8'} from byte {error.start} on",
            code="not-utf-8",
            file=name,
            line=data.count(b"\n", 0, error.start) + 1,
            hint="save the file as UTF-8",
        ) from error
