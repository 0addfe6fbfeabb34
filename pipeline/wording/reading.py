"""Read a catalogue from its `.po` file, once in a process.

Compiled in memory rather than at build time: a catalogue takes a few milliseconds, and there is no second file that
could be older than the first.
"""

from __future__ import annotations

import gettext
import io
from functools import cache
from pathlib import Path

from pipeline.errors import ConfigError

FOLDER = Path(__file__).parent / "catalogues"


def path_of(catalogue: str) -> Path:
    return FOLDER / f"{catalogue}.po"


@cache
def translations(catalogue: str) -> gettext.NullTranslations:
    """Return a catalogue's messages. Fuzzy ones are left out. Raises ConfigError `catalogue-unreadable`."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import PoFileError, read_po

    compiled = io.BytesIO()
    try:
        with path_of(catalogue).open("rb") as file:
            write_mo(compiled, read_po(file, abort_invalid=True))
    except (OSError, ValueError, PoFileError) as error:
        raise ConfigError(
            f"the words of the language {catalogue} cannot be read: {error}",
            code="catalogue-unreadable",
            hint="install Citewire again",
        ) from error
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
