"""Write docs/command-reference.md: every command with its arguments and options, as `--help` describes them.

python -m workers.command_reference
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from workers.cli.described import Described, Parameter, every_command

PAGE = Path(__file__).parents[1] / "docs" / "command-reference.md"
_HEAD = """\
# Command reference

Generated from the commands by `make reference`; `citewire COMMAND --help` and the manual pages say the same. What all
commands have in common, such as exit statuses, is in [commands](operating/commands.md).
"""


def page() -> str:
    return "\n".join([_HEAD, *(line for one in every_command() if " " in one.words for line in _section(one))])


def _section(one: Described) -> Iterator[str]:
    yield f"## {one.words}\n"
    yield from (f"{_prose(text)}\n" for text in one.paragraphs)
    yield f"```text\n{one.words} {one.usage}\n```\n"
    yield from _table("argument", one.arguments)
    yield from _table("option", [each for each in one.options if each.names != "--help"])
    yield from _table("command", one.commands)


def _table(title: str, rows: Sequence[Parameter]) -> Iterator[str]:
    if rows:
        yield f"| {title} | |\n|---|---|"
        yield from (f"| `{_cell(one.names)}` | {_cell(_prose(one.text))} |" for one in rows)
        yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _prose(text: str) -> str:
    """Return words of the help as Markdown: what would be a tag or a link is text."""
    parts = text.split("`")
    return "`".join(part if number % 2 else _plain(part) for number, part in enumerate(parts))


def _plain(text: str) -> str:
    for sign in "\\<>[]*_":
        text = text.replace(sign, f"\\{sign}")
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
