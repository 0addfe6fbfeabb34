"""Markdown with front matter: YAML between two lines of `---`, or TOML between two lines of `+++`."""

from __future__ import annotations

from pipeline.intake.assemble import assemble
from pipeline.intake.body.markdown_html import markdown_html
from pipeline.intake.decoding import decode
from pipeline.intake.fields import Fields
from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.intake.source import SourceFile, SourceFormat
from pipeline.intake.sources.markdown.front_matter import FrontMatter, read_yaml, split_front_matter
from pipeline.intake.sources.markdown.template_code import template_code
from pipeline.intake.sources.markdown.toml_matter import read_toml
from pipeline.model.reading import Read


def read(file: SourceFile) -> Read:
    """Read a file. Without front matter all of it is body, and its first heading is the title."""
    text = decode(file.data, file.name)
    try:
        matter, body, first_line = split_front_matter(text)
        found = _read_matter(matter, toml=text.startswith("+++"))
    except InvalidValue as invalid:
        raise Fields(file.name, {}).error("front matter", invalid) from invalid
    fields = Fields.known(file.name, found.values, found.lines, invalid=found.invalid)
    fields.warnings.extend(template_code(body, file.name, first_line))
    try:
        html = markdown_html(body)
    except InvalidValue as invalid:
        invalid.line = invalid.line and invalid.line + first_line - 1
        fields.refuse_whole("body", invalid)
        fields.check()
    return assemble(fields, html)


def _read_matter(matter: str, *, toml: bool) -> FrontMatter:
    return read_toml(matter) if toml else read_yaml(matter)


SOURCE = SourceFormat("markdown", ("text/markdown", "text/x-markdown"), ("md", "markdown", "mdown"), read)
