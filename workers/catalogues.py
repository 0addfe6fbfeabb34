"""Write the catalogues of Citewire's own words anew from the code: `python -m workers.catalogues`.

What is no longer said goes, what is new is empty until somebody translates it, and nothing is guessed (no fuzzy
messages): a test refuses catalogues that are not complete. A language that has no file yet gets one, with every message
empty.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import pipeline
from pipeline.wording.reading import path_of
from pipeline.wording.tags import CATALOGUES

_ROOT = Path(str(pipeline.__file__)).parent
_METHODS = [("**.py", "python"), ("**.html.j2", "jinja2.ext:babel_extract")]
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "message": None,
    "say": None,
    "translated": None,
    "say_plural": (1, 2),
    "translated_plural": (1, 2),
}
_FOLDERS = ("appraisal", "channels", "citations", "feeds", "flattening", "renditions")  # that write for readers
_WIDTH = 120
_HEADER = "# Citewire's own words. How to correct them: docs/languages.md"


def messages() -> Catalog:
    """Return every message in the code, with the files that say it."""
    catalogue = Catalog(charset="utf-8")
    for folder in _FOLDERS:
        found = extract_from_dir(_ROOT / folder, _METHODS, keywords=KEYWORDS)
        for file, _, message, comments, context in found:
            place = f"{_ROOT.name}/{folder}/{file}"
            catalogue.add(message, locations=[(place, 0)], auto_comments=comments, context=context)
    return catalogue


def updated(name: str, template: Catalog) -> Catalog:
    """Return a catalogue with exactly the messages of the code, and its translations of those."""
    former = _former(name)
    catalogue = Catalog(locale=name, header_comment=_HEADER, fuzzy=False)
    catalogue.mime_headers = former.mime_headers  # their dates too: the same code gives the same file
    for message in sorted((one for one in template if one.id), key=lambda one: str(one.id)):
        known = former.get(message.id if isinstance(message.id, str) else message.id[0])
        string = known.string if known is not None and known.id == message.id else ""
        catalogue.add(message.id, string, locations=sorted(set(message.locations)))
    return catalogue


def _former(name: str) -> Catalog:
    """Return a catalogue as it is; one without messages if there is none."""
    path = path_of(name)
    if not path.exists():
        return Catalog(locale=name, project="Citewire", version="", last_translator="Citewire", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=name)


def write(file: BinaryIO, catalogue: Catalog) -> None:
    write_po(file, catalogue, width=_WIDTH, include_lineno=False)


def main() -> None:
    template = messages()
    for name in CATALOGUES.values():
        catalogue = updated(name, template)
        with path_of(name).open("wb") as file:
            write(file, catalogue)


if __name__ == "__main__":
    main()
