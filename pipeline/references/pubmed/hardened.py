"""Parse external XML without fetching, expanding or trusting anything in it."""

from __future__ import annotations

import threading

from lxml import etree

from pipeline.errors import TransientError

_THREAD = threading.local()

MAX_BYTES = 64_000_000  # 200 full records with their reference lists are about 6 MB


def parse_xml(xml: bytes) -> etree._Element:
    """Return the root element. Raises TransientError (code `unreadable-xml`) unless the XML is complete and harmless.

    No DTD is loaded, no entity expanded, nothing fetched; libxml2's limits on depth (256) and on the size of one text
    (10 MB) apply. NCBI's document types declare no entities in the document itself, so a document that does is refused.
    """
    if len(xml) > MAX_BYTES:
        raise unreadable(f"{len(xml):,} bytes are more than {MAX_BYTES:,}")
    try:
        root = etree.fromstring(xml, _parser())
    except etree.XMLSyntaxError as error:
        raise NotWellFormed(_reason(str(error))) from error
    except ValueError as error:
        raise unreadable(str(error)) from error
    subset = root.getroottree().docinfo.internalDTD
    if subset is not None and any(subset.iterentities()):  # type: ignore[union-attr]  # lxml-stubs lacks it
        raise unreadable("it declares entities")
    return root


def _parser() -> etree.XMLParser:
    """Return this thread's parser.

    Creating one costs as much as half a record, and threads that shared one would have to wait for each other.
    """
    parser: etree.XMLParser | None = getattr(_THREAD, "parser", None)
    if parser is None:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_pis=True)
        _THREAD.parser = parser
    return parser


class NotWellFormed(TransientError):
    """The XML is usually cut short, or one of its records breaks it, which may happen again next time."""

    code = "unreadable-xml"


def unreadable(why: str) -> TransientError:
    return TransientError(_reason(why), code="unreadable-xml")


def _reason(why: str) -> str:
    return f"What came is not PubMed XML that can be read: {why[:200]}"
