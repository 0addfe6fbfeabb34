"""Runs a document as a session: each `$ command` of its console blocks, in order, and compares what is printed.

Commands are `citewire …`, `curl …`, `cat FILE`, `echo $?` and `NAME=$(citewire …)`. Blocks that carry a file's name
(```json event.json) are written to that file first. `<!-- test: partner 503 -->` changes the world around the system.
"""

from __future__ import annotations

import argparse
import re
import shlex
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import requests
from documents import Block
from house import WEB, House, Result
from waiting import PATIENCE

_STEP = re.compile(r"^```([\w-]*)[ \t]*([^\n]*)\n(.*?)^```$|^<!-- test: (.*?) -->$", re.DOTALL | re.MULTILINE)
_ASSIGNMENT = re.compile(r"([A-Z_]+)=\$\((.*)\)")

# What differs each time: in a document and in what is printed, both become the same words.
_CHANGING = (
    (re.compile(r"\b(evt|dlv|msg)_[0-9a-f]{24}"), r"\1_ID"),
    (re.compile(r"\b(evt|dlv|msg)_[0-9a-f]*…"), r"\1_ID"),
    (re.compile(r"\bflr_[0-9a-f]{12}"), "flr_KEY"),
    (re.compile(r"\bin \d+ (s|min|h|d)\b|\b\d+ (s|min|h|d) ago\b|\bnow\b"), "AGO"),
    (re.compile(r"\bcw_[\w-]{43}"), "cw_TOKEN"),
    (re.compile(r"\bsha256:[0-9a-f]{64}"), "sha256:DIGEST"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "TIME"),
    (re.compile(r'"([0-9a-f]{32}|[0-9a-f]+-[0-9a-f]+)"'), '"ETAG"'),
    (re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"), "DATE"),
    (re.compile(r"\"bytes\": ?\d+"), '"bytes":N'),
    (re.compile(r"((?:application|text)/[\w+-]+ +)\d+"), r"\1N"),
    (re.compile(r"[ \t]+$", re.MULTILINE), ""),
)


FURNITURE = ("site.toml", "defaults.toml")  # the house has them from the start


def same(text: str) -> str:
    """The text with what differs each time made alike, and a table's columns two spaces apart: ids differ in width."""
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return re.sub(r"(?<=\S) {2,}(?=\S)", "  ", text).strip()


@dataclass
class Session:
    """`compared`: how many commands were run and their answers compared."""

    house: House
    variables: dict[str, str] = field(default_factory=dict)
    compared: int = 0

    def run(self, document: Path) -> None:
        for step in _STEP.finditer(document.read_text(encoding="utf-8")):
            language, name, text, instruction = step.groups()
            if instruction:
                self.house.instruct(instruction)
            elif name and name not in FURNITURE:
                path = self.house.folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            elif language == "console":
                line = document.read_text(encoding="utf-8").count("\n", 0, step.start()) + 1
                self._console(Block(document, line, language, name, text))

    def _console(self, block: Block) -> None:
        for command, expected in exchanges(block.text):
            result = self._run(command)
            self.variables["?"] = str(result.status)
            assert same(result.text) == same(expected), f"{block}: $ {command}\n{result.text}"
            self.compared += 1

    def _run(self, command: str) -> Result:
        if assignment := _ASSIGNMENT.fullmatch(command):
            result = self._run(assignment[2])
            self.variables[assignment[1]] = result.text.strip().splitlines()[-1]
            return Result(result.status, "")
        words = [self._filled(word) for word in shlex.split(command)]
        match words[0]:
            case "citewire":
                return self.house.citewire(*words[1:])
            case "curl":
                return self._curl(words[1:])
            case "cat":
                return Result(0, (self.house.folder / words[1]).read_text(encoding="utf-8"))
            case "echo":
                return Result(0, " ".join(words[1:]) + "\n")
            case other:
                raise ValueError(f"nobody here runs {other!r}")

    def _filled(self, word: str) -> str:
        word = word.replace("$?", self.variables.get("?", ""))
        return string.Template(word).safe_substitute(self.variables)

    def _curl(self, words: list[str]) -> Result:
        parser = argparse.ArgumentParser()
        parser.add_argument("-s", action="store_true")
        parser.add_argument("-I", action="store_true", help="the head only")
        parser.add_argument("-X", default=None)
        parser.add_argument("-H", action="append", default=[])
        parser.add_argument("--data-binary", default=None)
        parser.add_argument("url")
        given = parser.parse_args(words)
        headers = {"Accept-Encoding": "identity", **dict(line.split(": ", 1) for line in given.H)}
        body = (self.house.folder / given.data_binary.removeprefix("@")).read_bytes() if given.data_binary else None
        method = given.X or ("POST" if body is not None else "HEAD" if given.I else "GET")
        url = given.url.replace(WEB, self.house.web)
        answer = requests.request(method, url, headers=headers, data=body, timeout=PATIENCE)
        if given.I:
            return Result(0, f"HTTP/1.1 {answer.status_code} {answer.reason}\n" + _told(answer))
        return Result(0, answer.content.decode())


def exchanges(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block, its continued lines joined, with what is printed after it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        whole = part.replace("\\\n", " ")
        command, _, expected = whole.partition("\n")
        yield " ".join(command.split()), expected


def _told(answer: requests.Response) -> str:
    """The headers that a document may speak of."""
    names = ("content-type", "etag", "last-modified", "cache-control", "link", "retry-after")
    return "".join(f"{name}: {answer.headers[name]}\n" for name in names if name in answer.headers)
