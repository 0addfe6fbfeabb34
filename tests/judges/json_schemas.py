"""JSON Feed and ninjs by their schemas, with formats checked, and rules that the schemas do not cover."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator, Draft202012Validator

SCHEMAS = Path(__file__).parent / "schemas"


def json_feed_findings(body: bytes) -> list[str]:
    feed = json.loads(body)
    ids = [item["id"] for item in feed["items"]]
    return [*_errors(_json_feed(), feed), *([] if len(set(ids)) == len(ids) else ["ids repeat"])]


def ninjs_findings(body: bytes) -> list[str]:
    return _errors(_ninjs(), json.loads(body))


def _errors(schema: Any, document: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in schema.iter_errors(document)]


@cache
def _json_feed() -> Any:
    schema = json.loads((SCHEMAS / "json-feed-1.1.json").read_text(encoding="utf-8"))
    return Draft7Validator(schema, format_checker=Draft7Validator.FORMAT_CHECKER)


@cache
def _ninjs() -> Any:
    """Our restatement of IPTC's schema, or the file that CITEWIRE_NINJS_SCHEMA names."""
    path = Path(os.environ.get("CITEWIRE_NINJS_SCHEMA", SCHEMAS / "ninjs-3.1.json"))
    schema = json.loads(path.read_text(encoding="utf-8"))
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
