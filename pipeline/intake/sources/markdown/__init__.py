"""Markdown with YAML front matter between two lines of `---`."""

from __future__ import annotations

from pipeline.intake.assemble import assemble
from pipeline.intake.body.markdown_html import markdown_html
from pipeline.intake.decoding import decode
from pipeline.intake.fields import Fields
from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.intake.source import SourceFile, SourceFormat
from pipeline.intake.sources.markdown.front_matter import read_yaml, split_front_matter
from pipeline.model.reading import Read


def read(file: SourceFile) -> Read:
    """A file without front matter is all body: its first heading is the title."""
    text = decode(file.data, file.name)
    try:
        matter, body, first_line = split_front_matter(text)
        values, lines = read_yaml(matter)
        fields = Fields.known(file.name, values, lines)
    except InvalidValue as invalid:
        raise Fields(file.name, {}).error("front matter", invalid) from invalid
    try:
        html = markdown_html(body)
    except InvalidValue as invalid:
        invalid.line = invalid.line and invalid.line + first_line - 1
        raise fields.error("body", invalid) from invalid
    return assemble(fields, html)


SOURCE = SourceFormat("markdown", ("text/markdown", "text/x-markdown"), ("md", "markdown", "mdown"), read)
