"""The documents agree with the code: links, commands, options, settings, codes, tables."""

from __future__ import annotations

import dataclasses
import functools
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from codes import codes
from documents import DOCS, GUIDE, ROOT, Block, block, blocks, documents, guide, guide_pages
from pydantic import BaseModel

from config import load
from config.settings import Settings
from pipeline.channels import ChannelType, channel_types
from pipeline.channels.shared.settings import read_settings
from pipeline.intake import source_formats
from pipeline.intake.fields import KNOWN
from pipeline.ledger.tables import metadata
from pipeline.renditions import formats
from pipeline.stages.context import Policy
from workers.cli.app import app

every_document = pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))

COMMANDS: Any = typer.main.get_command(app)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_CITEWIRE = re.compile(r"`(citewire [^`]+)`")


def text_of(document: Path) -> str:
    return document.read_text(encoding="utf-8")


@functools.cache
def prose(document: Path) -> str:
    """Return the document without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text_of(document), flags=re.DOTALL | re.MULTILINE)


def rows(document: Path, heading: str) -> list[list[str]]:
    """The cells of the first table after a heading, without its head."""
    after = f"\n{text_of(document)}".split(f"\n{heading}\n", 1)[1]
    lines = re.search(r"(?:^\|.*\n)+", after, re.MULTILINE)
    assert lines, heading
    return [[cell.strip() for cell in line.strip("|\n").split("|")] for line in lines[0].splitlines()[2:]]


def ticked(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


# --- links --------------------------------------------------------------------------------------------------------


@functools.cache
def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub makes for headings."""
    headings = re.findall(r"^#+ (.*)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_document
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in _LINK.findall(prose(document)):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), f"{document.name}: {link}"
        assert not anchor or anchor in anchors(target), f"{document.name}: {link}"


@every_document
def test_every_file_that_is_named_exists(document: Path) -> None:
    named = re.findall(r"`((?:pipeline|workers|config|tests|examples|docs|standins)/[\w./-]+)`", prose(document))
    new = {"pipeline/renditions/gemtext.py", "pipeline/channels/journal.py", "tests/channels/harness_journal.py"}
    new |= {"pipeline/intake/sources/textile.py", "pipeline/stages/remind.py", "tests/stages/test_remind.py"}
    for path in set(named) - new:
        assert (ROOT / path).exists(), f"{document.name}: {path}"


def test_the_operators_guide_lists_each_of_its_pages_once() -> None:
    assert sorted(guide_pages()) == sorted({*GUIDE.glob("*.md")} - {GUIDE / "index.md"})


def test_every_document_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        document = waiting.pop()
        if document.is_dir():
            document /= "README.md"
        if document in reached or document.suffix != ".md":
            continue
        reached.add(document)
        links = (link.partition("#")[0] for link in _LINK.findall(prose(document)) if "://" not in link)
        waiting += [(document.parent / link).resolve() for link in links if link]
    assert set(documents()) <= reached


# --- commands -----------------------------------------------------------------------------------------------------


def commands_of(document: Path) -> Iterator[str]:
    for fenced in blocks(document):
        if fenced.language in ("console", "sh", "bash"):
            joined = fenced.text.replace("\\\n", " ")
            yield from re.findall(
                r"^(?:\$ )?(?:[A-Z]+=\$\(|docker compose run --rm cli )?(citewire [^\n#>)]*)", joined, re.MULTILINE
            )
    yield from _CITEWIRE.findall(prose(document))


@every_document
def test_every_command_and_option_exists(document: Path) -> None:
    for line in commands_of(document):
        _, *words = shlex.split(line.replace("…", ""))
        command = COMMANDS
        while words and hasattr(command, "commands") and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        assert not (hasattr(command, "commands") and words and words[0] != "COMMAND" and words[0][0] != "-"), (
            f"{document.name}: {line}"
        )
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        used = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert used <= known, f"{document.name}: {line}"


@every_document
def test_every_make_target_exists(document: Path) -> None:
    there = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"`make ([a-z-]+)`", prose(document))
    for fenced in blocks(document):
        if fenced.language in ("console", "sh", "bash"):
            named += re.findall(r"^(?:\$ )?make ([a-z-]+)", fenced.text, re.MULTILINE)
    assert set(named) <= there


def test_every_command_is_in_the_operators_guide() -> None:
    text = guide()
    for name in COMMANDS.commands:
        assert f"citewire {name}" in text, name


# --- settings -----------------------------------------------------------------------------------------------------


def test_the_defaults_are_quoted_as_they_are() -> None:
    quoted = block(GUIDE / "settings.md", "toml", "defaults.toml")
    assert quoted == (ROOT / "config" / "defaults.toml").read_text(encoding="utf-8")


def fields_of(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield name
        for inner in [field.annotation, *getattr(field.annotation, "__args__", ())]:
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from fields_of(inner)


def test_every_setting_is_in_the_operators_guide() -> None:
    text = guide()
    expected = {*fields_of(Settings), *(name for kind in channel_types().values() for name in fields_of(kind.settings))}
    assert {name for name in expected if not re.search(rf"\b{name}\b", text)} == set()


@pytest.mark.parametrize("kind", channel_types().values(), ids=list(channel_types()))
def test_the_operators_guide_gives_the_defaults_of_a_channels_settings(kind: ChannelType) -> None:
    sections = re.split(r"^#{2,4} ", text_of(GUIDE / "channels.md"), flags=re.MULTILINE)
    section = next((one for one in sections if one.startswith(f"{kind.name}\n")), "")
    documented = dict(re.findall(r"`([a-z_]+)` \(`([^`]+)`\)", section))
    defaults = {name: field.default for name, field in kind.settings.model_fields.items() if field.default != ""}
    simple = {name: str(value) for name, value in defaults.items() if isinstance(value, int | float | str)}
    assert documented == {
        name: value.lower() if value in ("True", "False") else value for name, value in simple.items()
    }


def test_every_variable_is_in_the_operators_guide() -> None:
    source = (ROOT / "config" / "environment.py").read_text()
    expected = set(re.findall(r'"(CITEWIRE_\w+)"', source)) | {f"{name}_FILE" for name in files_of(source)}
    assert expected <= set(re.findall(r"CITEWIRE_\w+", "".join(map(prose, guide_pages()))))


def files_of(source: str) -> list[str]:
    (line,) = re.findall(r"^_FROM_FILES = (.*)$", source, re.MULTILINE)
    return re.findall(r"CITEWIRE_\w+", line)


def settings_examples() -> list[Block]:
    found = [one for document in documents() for one in blocks(document, "toml")]
    return [one for one in found if "project" not in tomllib.loads(one.text)]


@pytest.mark.parametrize("example", settings_examples(), ids=str)
def test_settings_in_documents_stand(example: Block, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(example.text, encoding="utf-8")
    for channel in load({}, file=file).channels:
        if channel.type in channel_types():
            read_settings(channel_types()[channel.type], channel.own, prefix=channel.id)
            assert (channel.format or channel_types()[channel.type].format) in formats()


def test_every_example_is_one_that_some_test_runs() -> None:
    run = {
        ("add-a-format.md", ""), ("add-a-format.md", "gemtext_judge.py"),
        ("add-a-source.md", ""), ("add-a-channel.md", ""),
        ("partners.md", "verify.py"),
        ("add-a-stage.md", "pipeline/stages/remind.py"), ("add-a-stage.md", "tests/stages/test_remind.py"),
        ("partners.md", "receive.py"),
    }  # fmt: skip
    for document in documents():
        for fenced in blocks(document):
            if fenced.language in ("python", "sql"):
                assert (document.name, fenced.name) in run, str(fenced)
            assert fenced.language in READ_OR_RUN, str(fenced)


# By the tests of this folder; what is not: drawings, and what is installed or typed once.
READ_OR_RUN = {
    "python",
    "sql",
    "toml",
    "js",
    "json",
    "markdown",
    "php",
    "http",
    "console",
    "sh",
    "text",
    "mermaid",
    "crontab",
    "diff",
}


# --- lists of what there is ---------------------------------------------------------------------------------------


def test_the_readme_names_the_formats_and_channel_types_that_there_are() -> None:
    lines = dict(re.findall(r"^- \*\*(Formats|Channel types)\*\*: (.*)$", text_of(ROOT / "README.md"), re.MULTILINE))
    assert ticked(lines["Formats"]) == list(formats())
    assert ticked(lines["Channel types"]) == list(channel_types())


def test_the_partners_guide_has_every_format_with_its_media_type_and_extension() -> None:
    documented = {tuple(ticked(" ".join(row[:3]))) for row in rows(DOCS / "partners.md", "## Formats")}
    assert documented == {(one.name, one.media_type, f".{one.extension}") for one in formats().values()}


def test_the_partners_guide_has_the_tombstone_of_every_format() -> None:
    documented = [name for row in rows(DOCS / "partners.md", "## Withdrawals") for name in ticked(row[0])]
    assert sorted(documented) == list(formats())


def test_every_form_of_article_files_is_told_with_its_extensions_and_media_types() -> None:
    documented = {tuple(sorted(ticked(row[1] + row[2]))) for row in rows(DOCS / "article-files.md", "# Article files")}
    there = {
        tuple(sorted([*(f".{extension}" for extension in one.extensions), *one.media_types]))
        for one in source_formats().values()
    }
    assert documented == there


def test_every_field_of_an_article_is_told() -> None:
    documented = [name for row in rows(DOCS / "article-files.md", "## The fields") for name in ticked(row[0])]
    assert sorted(documented) == sorted(KNOWN)


def test_every_error_code_is_told_and_no_other() -> None:
    documented = [
        code
        for cell in re.findall(r"^\| (`.*?) \|", text_of(GUIDE / "errors.md"), re.MULTILINE)
        for code in ticked(cell)
    ]
    assert sorted(set(documented)) == sorted(codes())


def test_every_line_of_the_log_is_told_and_no_other() -> None:
    documented = {ticked(row[0])[0] for row in rows(GUIDE / "log.md", "# The log")}
    there: set[str] = set()
    for package in ("pipeline", "workers"):
        for path in (ROOT / package).rglob("*.py"):
            there |= set(re.findall(r'(?:(?:_log\.\w+|intake\.warn)\(\s*|\b(?:begins|ends)=)"([^"]+)"', text_of(path)))
    assert documented == there


# --- architecture and decisions -----------------------------------------------------------------------------------


def test_every_table_of_the_ledger_is_told() -> None:
    documented = {ticked(row[0])[0] for row in rows(DOCS / "architecture.md", "## The ledger")}
    drawn = set(
        re.findall(r"\b[a-z_]+\b(?= [|}][|o{]--)|(?<=[|{] )[a-z_]+", block_with(DOCS / "architecture.md", "erDiagram"))
    )
    assert documented == set(metadata.tables)
    assert drawn <= set(metadata.tables)


def block_with(document: Path, first_line: str) -> str:
    (found,) = [one.text for one in blocks(document, "mermaid") if one.text.startswith(first_line)]
    return found


def test_leases_are_as_long_as_told() -> None:
    policy = {one.name: one.default for one in dataclasses.fields(Policy)}
    for name, seconds, _ in rows(DOCS / "architecture.md", "### Leases"):
        assert policy[ticked(name)[0]] == float(seconds)


def test_the_direction_of_imports_is_drawn_as_it_is_held() -> None:
    held = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    assert block(DOCS / "architecture.md", "text").splitlines() == held


def test_every_setting_of_celery_is_told_with_its_value() -> None:
    from workers.celery import app as celery

    source = (ROOT / "workers" / "celery.py").read_text()
    expected = set(re.findall(r'^ {4}(?:"(?=\w+":)|(?=\w+=)|    (?=broker_\w+=))(\w+)', source, re.MULTILINE))
    documented: dict[str, str] = {}
    for names, values, _ in rows(DOCS / "decisions" / "0002-celery-settings.md", "# 0002: Celery's settings"):
        pairs = ticked(values) if len(ticked(values)) == len(ticked(names)) else ticked(values) * len(ticked(names))
        documented |= dict(zip(ticked(names), pairs or [""] * len(ticked(names)), strict=False))
    assert set(documented) == expected - {"pipeline", "deliver"}  # of the queues
    for name, value in documented.items():
        inner = celery.conf.broker_transport_options
        actual = inner[name] if name in inner else celery.conf[name]
        if isinstance(actual, str | int | float | None):
            assert value in ("", str(actual), f"{actual:g}" if isinstance(actual, float) else ""), name


@pytest.mark.parametrize("path", sorted((DOCS / "decisions").glob("0*.md")), ids=lambda path: path.stem)
def test_a_decision_fits_on_a_page_and_says_what_was_rejected_and_when_to_look_again(path: Path) -> None:
    text = text_of(path)
    assert text.startswith(f"# {path.stem[:4]}: ")
    for part in ("**Decision.**", "**Why", "**Rejected.**", "**Look again**"):
        assert part in text or (part == "**Why" and "| why |" in text), part
    assert len(text.splitlines()) <= 60
    assert f"({path.name})" in text_of(DOCS / "decisions" / "README.md")
