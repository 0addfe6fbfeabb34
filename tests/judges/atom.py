"""Atom by RFC 4287's own grammar (RELAX NG), and by what the RFC says in words only."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lxml import etree

_ATOM = "http://www.w3.org/2005/Atom"
_NS = {"a": _ATOM}


@cache
def _grammar() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(Path(__file__).parent / "schemas" / "atom.rng"))


def atom_findings(body: bytes) -> list[str]:
    root = etree.fromstring(body, etree.XMLParser(huge_tree=True))
    grammar = _grammar()
    found = [] if grammar.validate(root) else [str(error) for error in grammar.error_log]
    return [*found, *_findings_in_words(root)]


def _findings_in_words(root: etree._Element) -> Iterator[str]:
    """RFC 4287, sections 4.1.1, 4.1.2 and 4.2.6."""
    ids = [str(node.text) for node in root.iter(f"{{{_ATOM}}}id")]
    if len(set(ids)) != len(ids):
        yield "ids repeat"
    yield from (f"id {each!r} is no absolute IRI" for each in ids if ":" not in each)
    for holder in (root, *root.findall("a:entry", _NS)):
        if holder.find("a:author", _NS) is None:
            yield f"{holder.tag} has no author"
        if (count := len(holder.findall("a:link[@rel='alternate']", _NS))) != 1:
            yield f"{holder.tag} has {count} alternates"
