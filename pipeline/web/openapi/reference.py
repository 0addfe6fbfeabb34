"""Render the OpenAPI description as a Markdown page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]

_HEAD = """\
# API reference

Generated from [openapi.json](openapi.json) by `make openapi`. It describes every address of the web server. A running
server gives the description at `/v1/openapi.json`, for generators of clients. How to use it is in
[operating](operating/index.md) and, for partners, in [partners](partners.md).
"""


def page(document: Document) -> str:
    """Return the page: every operation by its tag, then the schemas."""
    return "\n".join([_HEAD, document["info"]["description"], *_operations(document), *_schemas(document)])


def _operations(document: Document) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"## {tag['name'].capitalize()}\n\n{tag['description']}\n"
        for path, item in document["paths"].items():
            for method, operation in item.items():
                if tag["name"] in operation["tags"]:
                    yield from _operation(f"{method.upper()} {path}", operation)


def _operation(name: str, operation: Document) -> Iterator[str]:
    yield f"### `{name}`\n\n{operation.get('description') or operation['summary']}\n"
    if "security" in operation:
        yield f"Needs {' or '.join(f'`{scheme}`' for one in operation['security'] for scheme in one)}.\n"
    if operation.get("parameters"):
        yield "| parameter | in | type | |\n|---|---|---|---|"
        for one in operation["parameters"]:
            required = "required" if one.get("required") else ""
            text = "; ".join(part for part in (required, one.get("description", "")) if part)
            yield f"| `{one['name']}` | {one['in']} | {_type(one['schema'])} | {text} |"
        yield ""
    if "requestBody" in operation:
        yield "| body | schema |\n|---|---|"
        for media_type, content in operation["requestBody"]["content"].items():
            yield f"| `{media_type}` | {_type(content['schema'])} |"
        yield ""
    yield "| status | | body |\n|---|---|---|"
    for status, answer in sorted(operation["responses"].items()):
        yield f"| {status} | {answer['description']} | {_bodies(answer)} |"
    yield ""


def _bodies(answer: Document) -> str:
    content = answer.get("content", {})
    if "application/problem+json" in content:
        return "[ProblemDetails](#problemdetails)"
    schemas = {_type(one.get("schema", {})) for one in content.values()}
    if schemas == {"string"}:
        return ", ".join(f"`{media_type}`" for media_type in content)
    return ", ".join(sorted(schemas))


def _schemas(document: Document) -> Iterator[str]:
    yield "## Schemas\n"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield f"### {name}\n"
        if text := schema.get("description"):
            yield f"{text}\n"
        yield "| member | type | |\n|---|---|---|"
        required = schema.get("required", ())
        for member, one in schema.get("properties", {}).items():
            optional = "" if member in required else "optional"
            text = "; ".join(part for part in (optional, one.get("description", "")) if part)
            yield f"| `{member}` | {_type(one)} | {text} |"
        yield ""


def _type(schema: Document) -> str:
    """Return a short description of a schema, with a link if it has a name."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_type(one) for one in alternatives))
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"array of {_type(schema['items'])}" if schema.get("items") else "array"
    if isinstance(schema.get("type"), list):
        return " or ".join(schema["type"])
    return str(schema.get("format") or schema.get("type") or "any")
