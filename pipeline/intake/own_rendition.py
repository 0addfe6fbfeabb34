"""Recognise what Citewire itself made: pages, feeds and manifests in a site's folder, which are not its articles."""

from __future__ import annotations

import re

GENERATOR = "Citewire"  # in `<meta name="generator">` of every page

_HEAD = 65_536  # bytes that are looked at
_PAGE = re.compile(rb'<meta\s+name="generator"\s+content="' + GENERATOR.encode() + rb'["\s/]', re.IGNORECASE)
_FEED = re.compile(rb'\A\s*\{[\s\S]{0,2000}?"version"\s*:\s*"https://jsonfeed\.org/version/')
_MANIFEST = re.compile(rb'\A\s*\{"article":"[^"]{1,200}","revision":\d+,"event":"[a-z]+","message_id":"')


def is_own_rendition(data: bytes) -> bool:
    """Return whether the bytes of a file are a page, a JSON feed or a manifest that Citewire made."""
    head = data[:_HEAD]
    return any(mark.search(head) for mark in (_PAGE, _FEED, _MANIFEST))
