"""The cost of reading PubMed records, compared with bare lxml on the same bytes and with two other libraries.

    python -m benchmarks.references [--data FOLDER] [--rounds N]

The records are those of ../shared/data/pubmed if that exists beside the checkout, and invented ones otherwise.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import hashlib
import importlib
import importlib.util
import io
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from lxml import etree

from benchmarks.figures import interleaved, ratio, table
from pipeline.references.pubmed.hardened import parse_xml
from pipeline.references.pubmed.pubmed_xml import parse_pubmed
from standins.papers import invented, load_papers, paper_xml, record_set

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "pubmed"
_SETS = (b"<PubmedArticleSet", b"<PubmedBookArticleSet", b"<MedlineCitationSet")
_BATCH = 200  # records per answer of PubMed

Reader = Callable[[bytes], object]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.references", description="What reading records costs.")
    parser.add_argument("--data", type=Path, default=DATA, help="a folder of PubMed XML")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    documents = real(arguments.data) or [made_up()]
    records = sum(len(parse_pubmed(document)) for document in documents)
    size = sum(map(len, documents))
    kind = "real" if real(arguments.data) else "invented"
    print(f"{records:,} {kind} records in {len(documents)} documents, {size / 1e6:.2f} MB; {arguments.rounds} rounds\n")
    readers: dict[str, Reader] = {"lxml, with the same hardening": parse_xml, "citewire": parse_pubmed, **_others()}
    rows = [_row(name, read, documents, arguments.rounds) for name, read in readers.items()]
    columns = ("reader", "documents read", "ms per record", "times lxml's bare parse", "least", "most")
    print(table(columns, rows))


def real(folder: Path) -> list[bytes]:
    """Return the record sets in `folder` and its subfolders, ignoring other files."""
    files = [path.read_bytes() for path in sorted(folder.rglob("*.xml"))]
    return [body for body in files if any(one in body[:2000] for one in _SETS)]


def made_up() -> bytes:
    """Return a full answer of PubMed: the stand-in's papers, filled up to 200 with invented ones."""
    papers = load_papers()
    papers += [invented(str(10_000_000 + number)) for number in range(_BATCH - len(papers))]
    return record_set([paper_xml(paper) for paper in papers])


def _row(name: str, read: Reader, documents: Sequence[bytes], rounds: int) -> tuple[str, ...]:
    """Measure a reader on the documents that it accepts, alternating with the bare parse of the same documents."""
    taken = [document for document in documents if _takes(read, document)]
    if not taken:
        return (name, f"0 of {len(documents)}", *["–"] * 4)
    contenders = {"bare": lambda: _each(etree.fromstring, taken), "reader": lambda: _each(read, taken)}
    seconds = interleaved(contenders, rounds)
    ratios = [ratio([one], [bare]) for one, bare in zip(seconds["reader"], seconds["bare"], strict=True)]
    records = sum(len(parse_pubmed(document)) for document in taken)
    return (
        name,
        f"{len(taken)} of {len(documents)}",
        f"{statistics.median(seconds['reader']) * 1000 / records:.3f}",
        f"{statistics.median(ratios):.2f}",
        f"{min(ratios):.2f}",
        f"{max(ratios):.2f}",
    )


def _each(read: Reader, documents: Iterable[bytes]) -> None:
    for document in documents:
        read(document)


def _takes(read: Reader, document: bytes) -> bool:
    """Return whether the reader accepts the document, whatever exception it raises. This also warms it up."""
    try:
        read(document)
    except (Exception, SystemExit):
        return False
    return True


# --- other libraries-----------------------------------------------------------------------------------------------


def _others() -> dict[str, Reader]:
    """Return the installed libraries. For the others, print how to install them."""
    makers = {"Bio": ("biopython", _biopython), "pubmed_parser": ("pubmed_parser", _pubmed_parser)}
    readers = {}
    for module, (package, make) in makers.items():
        if importlib.util.find_spec(module) is None:
            print(f"{package} is left out: it is not installed (python -m pip install {package})", file=sys.stderr)
        else:
            readers[package] = make()
    return readers


def _biopython() -> Reader:
    entrez = importlib.import_module("Bio.Entrez")
    parser: Any = importlib.import_module("Bio.Entrez.Parser")

    def refuse(*_: object, **__: object) -> None:
        raise OSError("a benchmark fetches nothing")

    parser.urlopen = refuse  # it would fetch unknown document types
    return lambda document: entrez.read(io.BytesIO(document), validate=False)


def _pubmed_parser() -> Reader:
    library: Any = importlib.import_module("pubmed_parser")

    def read(document: bytes) -> list[object]:
        records = list(library.parse_medline_xml(str(_on_disk(document)), year_info_only=False, author_list=True))
        if not records:
            raise ValueError("no record was read")
        return records

    return read


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="citewire-benchmark-")


@functools.cache
def _on_disk(document: bytes) -> Path:
    """Write the document for a library that only reads gzipped files. It is not timed, and stored uncompressed."""
    path = Path(_folder().name) / f"{hashlib.sha256(document).hexdigest()}.xml.gz"
    path.write_bytes(gzip.compress(document, compresslevel=0))
    return path


if __name__ == "__main__":
    main()
