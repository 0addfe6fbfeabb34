"""The example in docs/add-a-channel.md does what it says: one module, and `citewire check` and deliveries use it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from documents import DOCS, ROOT, block, blocks, copy_program, install, output_of
from terminal import exchanges

TESTS = ROOT / "tests"
DOCUMENT = DOCS / "add-a-channel.md"
CODE = block(DOCUMENT, "python")

# `citewire check` on the document's settings, then a revision and its withdrawal by way of the plan that it made.
USE = """
import contextlib, io, json, pathlib, sys
import structlog
import pipeline.channels
from channel_harness import parcel
from config import load
from workers.cli.app import main
from pipeline.stages.context import NoDoorbell
from workers.wiring import build_context

terminal = io.StringIO()
sys.argv = ["citewire", "check", "--config", "site.toml"]
with contextlib.redirect_stdout(terminal), contextlib.suppress(SystemExit):
    main()
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
context = build_context(load({}, file=pathlib.Path("site.toml")), NoDoorbell())
channel = context.channels["audit"].open()
for one in (parcel(1), parcel(1), parcel(2, "withdrawn", body=b"gone")):
    channel.deliver(one)
channel.close()
context.ledger.close()
print(json.dumps({
    "package": pipeline.channels.__file__,
    "module": type(channel).__module__,
    "types": list(pipeline.channels.channel_types()),
    "checked": terminal.getvalue(),
    "journal": pathlib.Path("journal.jsonl").read_text().splitlines(),
}))
"""


def used(path: list[Path]) -> dict[str, Any]:
    (path[0] / "site.toml").write_text(block(DOCUMENT, "toml", "site.toml"), encoding="utf-8")
    output: dict[str, Any] = output_of(USE, [*path, TESTS, TESTS / "channels"])
    return output


def check(output: dict[str, Any]) -> None:
    assert {"directory", "journal", "webhook"} <= set(output["types"])
    (console,) = blocks(DOCUMENT, "console")
    ((command, expected),) = exchanges(console.text)
    assert command == "citewire check --config site.toml"
    assert output["checked"] == expected
    lines = [json.loads(line) for line in output["journal"]]
    assert [(line["event"], line["revision"]) for line in lines] == [
        ("published", 1),
        ("published", 1),
        ("withdrawn", 2),
    ]
    assert lines[0]["id"] == lines[1]["id"] != lines[2]["id"]
    assert lines[2]["content"] == "gone"


def test_the_example_is_short() -> None:
    assert len(CODE.splitlines()) < 60


def test_a_module_in_the_folder_is_a_channel_type(tmp_path: Path) -> None:
    copy_program(tmp_path, ("pipeline", "config", "workers"))
    (tmp_path / "pipeline" / "channels" / "journal.py").write_text(CODE, encoding="utf-8")

    output = used([tmp_path])

    assert Path(output["package"]).is_relative_to(tmp_path)
    assert output["module"] == "pipeline.channels.journal"
    check(output)


def test_a_module_of_an_installed_package_is_a_channel_type(tmp_path: Path) -> None:
    points = tomllib.loads(block(DOCUMENT, "toml", "pyproject.toml"))["project"]["entry-points"]
    install(tmp_path, "example_channels", points)
    (tmp_path / "journal.py").write_text(CODE, encoding="utf-8")

    output = used([tmp_path, ROOT])

    assert Path(output["package"]).is_relative_to(ROOT)
    assert output["module"] == "journal"
    check(output)
