"""Recognise what Citewire itself made in a site's folder: renditions, feeds, manifests and unpacked backups."""

from __future__ import annotations

import re

from pipeline.model.own_marks import ADDRESS_LABEL, GENERATOR, MARKDOWN_MARK, rule

_HEAD = 65_536  # bytes that are looked at
_TAIL = 16_384  # bytes that may hold the last line
_PAGE = re.compile(rb'<meta\s+name="generator"\s+content="' + GENERATOR.encode() + rb'["\s/]', re.IGNORECASE)
_FEED = re.compile(rb'\A\s*\{[\s\S]{0,2000}?"version"\s*:\s*"https://jsonfeed\.org/version/')
_MANIFEST = re.compile(rb'\A\s*\{"article":"[^"]{1,200}","revision":\d+,"event":"[a-z]+","message_id":"')
# What an encoder of ours writes first, in this order and without spaces.
_FIRST = (
    b'{"changes":[{"name":"',  # the index of an object store
    b'{"form":1,"made":"',  # what a backup says of itself
    b'{"uri":"tag:',  # ninjs
    b'{"@context":"https://schema.org","@type":"MedicalWebPage"',  # JSON-LD
)
_APPLE = b'"generatorIdentifier":"citewire"'


def is_own_rendition(data: bytes) -> bool:
    """Return whether the bytes of a file are something that Citewire made."""
    head = data[:_HEAD]
    marked = any(mark.search(head) for mark in (_PAGE, _FEED, _MANIFEST))
    return (
        marked
        or head.startswith(_FIRST)
        or (head.startswith(b"{") and _APPLE in data)
        or _last_line(data) == MARKDOWN_MARK.encode()
        or _is_own_text(data)
    )


def _last_line(data: bytes) -> bytes:
    return data[-_TAIL:].rstrip().rpartition(b"\n")[2]


def _is_own_text(data: bytes) -> bool:
    """Return whether a text has our form: a rule as wide as its title, and a labelled address as its last line."""
    if not _last_line(data).startswith(f"{ADDRESS_LABEL}http".encode()):
        return False
    title, _, rest = data[:_HEAD].decode("utf-8-sig", "replace").replace("\r\n", "\n").partition("\n")
    return rest.partition("\n")[0] == rule(title)
