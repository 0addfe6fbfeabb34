"""Find shortcodes and template tags of site generators, which are not run here, so that readers would see them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.model.reading import ReadWarning

_CODE = re.compile(r"\{\{[^{}\n]{1,200}\}\}|\{%[^%{}\n]{1,200}%\}")
_MOST = 20  # warnings for one file


def template_code(body: str, file: str, first_line: int) -> Iterator[ReadWarning]:
    """Warn about each piece of template code (Hugo's, Jekyll's or another generator's) in a body."""
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
