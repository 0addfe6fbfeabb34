"""Markdown with YAML front matter between two lines of `---`."""

from __future__ import annotations

from pipeline.intake.assemble import assemble
from pipeline.intake.body.markdown_html import markdown_html
from pipeline.intake.decoding import decode
from pipeline.intake.fields import Fields
from pipeline.intake.fields.unfit import Unfit
from pipeline.intake.source import SourceFormat
from pipeline.intake.sources.markdown.front_matter import divided, read_yaml
from pipeline.model.article import Article


def read(data: bytes, name: str) -> Article:
    """A file without front matter is all body: its first heading is the title."""
    text = decode(data, name)
    try:
        matter, body, first_line = divided(text)
        values, lines = read_yaml(matter)
        fields = Fields.known(name, values, lines)
    except Unfit as unfit:
        raise Fields(name, {}).error("front matter", unfit) from unfit
    try:
        html = markdown_html(body)
    except Unfit as unfit:
        unfit.line = unfit.line and unfit.line + first_line - 1
        raise fields.error("body", unfit) from unfit
    return assemble(fields, html)


SOURCE = SourceFormat("markdown", ("text/markdown", "text/x-markdown"), ("md", "markdown", "mdown"), read)
