"""Read JSON: the fields of the front matter, and `body` as Markdown or HTML."""

from __future__ import annotations

import json
import re

from pipeline.intake.assemble import assemble
from pipeline.intake.body.markdown_html import markdown_html
from pipeline.intake.decoding import decode
from pipeline.intake.fields import Fields
from pipeline.intake.fields.invalid_value import InvalidValue, quoted
from pipeline.intake.fields.text import clean
from pipeline.intake.source import SourceFile, SourceFormat
from pipeline.model.reading import Read

_SPACES = re.compile(r"[ \t\n\r]*")
_STARTS_AS_HTML = re.compile(
    r"\s*<(?:!doctype|html|body|main|article|section|div|p|h[1-6]|[ou]l|dl|table|blockquote|figure|aside|header)\b",
    re.IGNORECASE,
)
_FORMATS = ("markdown", "html")


def read(file: SourceFile) -> Read:
    """Read a document, which is one object; mistakes in its keys are reported with lines. Raises InvalidArticle."""
    text = decode(file.data, file.name)
    try:
        values, lines, twice = _members(text)
    except InvalidValue as invalid:
        raise Fields(file.name, {}).error("document", invalid) from invalid
    fields = Fields.known(file.name, values, lines, more=("body", "body_format"), invalid=twice)
    body = fields.one("body", _body) or ""
    form = fields.one("body_format", _format) or _detected(body)
    try:
        html = body if form == "html" else markdown_html(body)
    except InvalidValue as invalid:
        invalid.line = None  # a line of the body is not a line of the file
        fields.refuse_whole("body", invalid)
        fields.check()
    return assemble(fields, html)


def _members(text: str) -> tuple[dict[str, object], dict[str, int], list[InvalidValue]]:
    """Return the outermost object's members, the line of each key, and the keys that occur twice."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    found: dict[str, object] = {}
    lines: dict[str, int] = {}
    twice: list[InvalidValue] = []
    place = _past(text, 0, "{")
    line, counted = 1, 0
    while text[place : place + 1] != "}":
        line, counted = line + text.count("\n", counted, place), place
        key, place = _value(decoder, text, place)
        if not isinstance(key, str):
            raise _broken("a key must be a text", line)
        if key in found:
            message = f"{quoted(key)} is there twice"
            twice.append(InvalidValue(message, code="duplicate-field", hint="keep one", at=key, line=line))
        lines[key] = line
        found[key], place = _value(decoder, text, _past(text, place, ":"))
        if text[place : place + 1] == ",":
            place = _past(text, place, ",")
            if text[place : place + 1] == "}":
                raise _broken("a comma stands before the closing brace", text.count("\n", 0, place) + 1)
        elif text[place : place + 1] != "}":
            raise _broken("a comma or the closing brace is missing", text.count("\n", 0, place) + 1)
    if text[place + 1 :].strip():
        raise _broken("something stands after the closing brace", text.count("\n", 0, place) + 1)
    return found, lines, twice


def _past(text: str, place: int, token: str) -> int:
    start = _skip(text, place)
    if text[start : start + 1] != token:
        raise _broken(f"{token!r} is missing", text.count("\n", 0, start) + 1)
    return _skip(text, start + 1)


def _skip(text: str, place: int) -> int:
    match = _SPACES.match(text, place)
    return match.end() if match else place


def _value(decoder: json.JSONDecoder, text: str, place: int) -> tuple[object, int]:
    try:
        value, end = decoder.raw_decode(text, place)
    except json.JSONDecodeError as error:
        raise _broken(error.msg, error.lineno) from error
    except RecursionError as error:
        raise InvalidValue("values are nested too deep", code="nested-too-deep", hint="nest less") from error
    except ValueError as error:
        raise _broken("a number cannot be read", text.count("\n", 0, place) + 1) from error
    return value, _skip(text, end)


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _broken(message: str, line: int) -> InvalidValue:
    return InvalidValue(f"not JSON: {message}", code="invalid-json", hint="fix the line", line=line)


def _body(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidValue(f"{quoted(value)} is not a text", hint="write Markdown or HTML")
    return clean(value)


def _format(value: object) -> str:
    if value not in _FORMATS:
        raise InvalidValue(f"{quoted(value)} is not a form of text", hint=f"write one of {', '.join(_FORMATS)}")
    return str(value)


def _detected(body: str) -> str:
    return "html" if _STARTS_AS_HTML.match(body) and body.rstrip().endswith(">") else "markdown"


SOURCE = SourceFormat("json", ("application/json", "text/json"), ("json",), read)
