"""XML from outside, parsed without fetching, expanding or trusting anything in it."""

from __future__ import annotations

from lxml import etree

from pipeline.errors import TransientError

MAX_BYTES = 64_000_000  # 200 full records with their reference lists are about 6 MB


def parse_xml(xml: bytes) -> etree._Element:
    """The root element. Raises TransientError (code `unreadable-xml`) for what is no whole, harmless XML document.

    No DTD is loaded, no entity expanded, nothing fetched; libxml2's limits on depth (256) and on the size of one text
    (10 MB) hold. NCBI's document types declare no entities in the document itself: one that does is refused.
    """
    if len(xml) > MAX_BYTES:
        raise unreadable(f"{len(xml):,} bytes are more than {MAX_BYTES:,}")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_pis=True)
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise unreadable(str(error)) from error
    subset = root.getroottree().docinfo.internalDTD
    if subset is not None and any(subset.iterentities()):  # type: ignore[union-attr]  # lxml-stubs lacks it
        raise unreadable("it declares entities")
    return root


def unreadable(why: str) -> TransientError:
    return TransientError(f"What came is not PubMed XML that can be read: {why[:200]}", code="unreadable-xml")
