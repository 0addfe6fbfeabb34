"""Shortcodes and template tags of site generators, which nothing here runs and readers would see as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.model.reading import ReadWarning

_CODE = re.compile(r"\{\{[^{}\n]{1,200}\}\}|\{%[^%{}\n]{1,200}%\}")
_MOST = 20  # warnings of one file


def template_code(body: str, file: str, first_line: int) -> Iterator[ReadWarning]:
    """Warn of each piece of Hugo's, Jekyll's or another generator's template code in a body."""
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
