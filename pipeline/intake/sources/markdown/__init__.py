"""Markdown with front matter: YAML between two lines of `---`, or TOML between two lines of `+++`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.intake.assemble import assemble
from pipeline.intake.body.markdown_html import markdown_html
from pipeline.intake.decoding import decode
from pipeline.intake.fields import Fields
from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.intake.source import SourceFile, SourceFormat
from pipeline.intake.sources.markdown.front_matter import FrontMatter, read_toml, read_yaml, split_front_matter
from pipeline.model.reading import Read, ReadWarning

_CODE = re.compile(r"\{\{[^{}\n]{1,200}\}\}|\{%[^%{}\n]{1,200}%\}")
_MOST = 20  # warnings for one file


def read(file: SourceFile) -> Read:
    """Read a file. Without front matter all of it is body, and its first heading is the title."""
    text = decode(file.data, file.name)
    try:
        matter, body, first_line = split_front_matter(text)
        found = _read_matter(matter, toml=text.startswith("+++"))
    except InvalidValue as invalid:
        raise Fields(file.name, {}).error("front matter", invalid) from invalid
    fields = Fields.known(file.name, found.values, found.lines, invalid=found.invalid)
    fields.warnings.extend(_template_code(body, file.name, first_line))
    try:
        html = markdown_html(body)
    except InvalidValue as invalid:
        invalid.line = invalid.line and invalid.line + first_line - 1
        fields.refuse_whole("body", invalid)
        fields.check()
    return assemble(fields, html)


def _read_matter(matter: str, *, toml: bool) -> FrontMatter:
    return read_toml(matter) if toml else read_yaml(matter)


def _template_code(body: str, file: str, first_line: int) -> Iterator[ReadWarning]:
    """Warn about each shortcode or template tag of a site generator: none is run here, so readers would see it."""
    line, counted = first_line, 0
    for number, found in enumerate(_CODE.finditer(body)):
        if number == _MOST:
            return
        line, counted = line + body.count("\n", counted, found.start()), found.start()
        yield ReadWarning(
            code="template-code",
            message=f"template code is not run and stays in the text: {found[0][:60]}",
            file=file,
            line=line,
            field="body",
            hint="write what it should show",
        )


SOURCE = SourceFormat("markdown", ("text/markdown", "text/x-markdown"), ("md", "markdown", "mdown"), read)
