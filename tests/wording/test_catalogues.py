"""The catalogues say everything that the code says, in every language, with the same values."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

import pipeline
from pipeline.wording import pieces, reading
from pipeline.wording.reading import FOLDER, path_of
from pipeline.wording.tags import CATALOGUES
from workers import catalogues

NAMES = sorted(CATALOGUES.values())
ISSUE = {"ar", "de", "es", "fr", "he", "hi", "it", "ja", "ko", "pt", "zh"}


@pytest.fixture(scope="module")
def said() -> Catalog:
    return catalogues.messages()


def read(name: str) -> Catalog:
    with path_of(name).open("rb") as file:
        return read_po(file, abort_invalid=True)


def ids(catalogue: Catalog) -> set[str | tuple[str, ...]]:
    return {message.id for message in catalogue if message.id}


def forms(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if isinstance(message.string, tuple | list) else (message.string,)


def values(text: str) -> list[str]:
    return sorted(name for _, name in pieces(text) if name is not None)


def test_there_is_a_file_for_each_language_and_no_other() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(NAMES) >= ISSUE


@pytest.mark.parametrize("name", NAMES)
def test_a_catalogue_has_every_message_of_the_code_and_nothing_else(name: str, said: Catalog) -> None:
    assert ids(read(name)) == ids(said)


@pytest.mark.parametrize("name", NAMES)
def test_every_message_is_translated_with_its_values_in_every_form(name: str) -> None:
    catalogue = read(name)
    assert not catalogue.fuzzy
    assert not catalogue.obsolete
    for message in catalogue:
        if not message.id:
            continue
        one = message.id if isinstance(message.id, str) else message.id[0]
        assert not message.fuzzy, one
        assert len(forms(message)) == (catalogue.num_plurals if message.pluralizable else 1), one
        for form in forms(message):
            assert form.strip() == form != "", one
            assert values(form) == values(one), (one, form)
            assert not set(form) & set("<>&"), (one, form)


@pytest.mark.parametrize("name", NAMES)
def test_a_catalogue_is_as_its_writer_leaves_it(name: str, said: Catalog) -> None:
    written = BytesIO()
    catalogues.write(written, catalogues.updated(name, said))
    assert written.getvalue() == path_of(name).read_bytes()


def test_a_language_without_a_file_gets_one_with_nothing_translated(
    said: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "FOLDER", tmp_path)
    for _ in range(2):  # it stays as it was made
        made = BytesIO()
        catalogues.write(made, catalogues.updated("sv", said))
        path_of("sv").write_bytes(made.getvalue())
        catalogue = read("sv")
        assert ids(catalogue) == ids(said)
        assert {form for message in catalogue if message.id for form in forms(message)} == {""}
        assert (catalogue.locale_identifier, catalogue.num_plurals, catalogue.fuzzy) == ("sv", 2, False)
        assert catalogue.mime_headers == read("sv").mime_headers
    assert made.getvalue() == path_of("sv").read_bytes()


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_no_message_is_said_where_the_extraction_does_not_find_it(said: Catalog) -> None:
    """Babel reads no f-strings, and no folder that is not named."""
    known = {one for id in ids(said) for one in ((id,) if isinstance(id, str) else id)}
    missed = []
    for file in Path(str(pipeline.__file__)).parent.rglob("*.py"):
        for call in calls(ast.parse(file.read_text(encoding="utf-8"))):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            texts = call.args[:2] if name.endswith("_plural") else call.args[:1]
            if name in catalogues.KEYWORDS:
                found = [arg.value for arg in texts if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
                missed += [(file.name, text) for text in found if text not in known]
    assert missed == []
