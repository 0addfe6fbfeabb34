"""XML, read as any parser reads it: nothing is fetched, and no entity of the document's own is expanded."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from pipeline.judging.parts.judge import Reading, Unreadable


def _read(body: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        return etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable(str(error)) from error


XML = Reading("well-formed", "XML 1.0, section 2.1; Namespaces in XML 1.0, section 7", _read)


def text_of(node: etree._Element | None) -> str:
    """Return all text in an element, or "" if there is none."""
    return "" if node is None else "".join(map(str, node.itertext())).strip()


def not_once(holder: etree._Element, *names: str, called: str) -> Iterator[str]:
    """Say which of these elements the holder has not exactly once, with text in it."""
    for name in names:
        found = holder.findall(name)
        short = etree.QName(name).localname
        if len(found) != 1:
            yield f"{called} has {len(found) or 'no'} {short}"
        elif not text_of(found[0]):
            yield f"the {short} of {called} is empty"
