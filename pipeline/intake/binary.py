"""Recognise files that are not text by their first bytes, with a hint for each kind."""

from __future__ import annotations

from pipeline.errors import InvalidArticle

_PANDOC = "or convert it with `pandoc FILE -o article.md`"
_WORD = f"save it as a web page (in Word: Save As → Web Page, Filtered), {_PANDOC}"
_ZIP = b"PK\x03\x04"
_KINDS = (
    (b"%PDF-", "a PDF", "publish the document that it was made from, saved as .md, .html or .txt"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a Word document in the old binary format", _WORD),
    (b"{\\rtf", "an RTF document", f"save it as .html or .txt, {_PANDOC}"),
    (b"bplist00", "a web archive of Safari", "save the page as Page Source"),
    (b"\x1f\x8b", "a gzip archive", "unpack it, and publish the files in it"),
    (b"\x89PNG", "an image", "link it from an article"),
    (b"\xff\xd8\xff", "an image", "link it from an article"),
    (b"GIF8", "an image", "link it from an article"),
    (b"From: <Saved by", "a web archive (MHTML)", 'save the page as "Webpage, HTML only"'),
    (b"MIME-Version:", "a web archive (MHTML)", 'save the page as "Webpage, HTML only"'),
)
_IN_ZIP = (
    (b"word/", "a Word document (.docx)", _WORD),
    (b"opendocument.text", "an OpenDocument text (.odt)", f"save it as .html or .txt, {_PANDOC}"),
    (b"application/epub+zip", "an e-book (.epub)", f"publish its chapters as .html, {_PANDOC}"),
    (b"xl/", "a spreadsheet", "write the article as .md, with its tables"),
    (b"ppt/", "a presentation", "write the article as .md"),
)
_START = 4096  # bytes that are looked at


def refuse_binary(data: bytes, name: str) -> None:
    """Raise InvalidArticle `not-text`, with what to do, for a file that holds no text."""
    found = _kind(data)
    if found is not None:
        kind, hint = found
        raise InvalidArticle(f"the file is {kind}, not text", code="not-text", file=name, hint=hint)


def _kind(data: bytes) -> tuple[str, str] | None:
    start = data[:_START]
    if start.startswith(_ZIP):
        archive = "a ZIP archive", "unpack it, and publish the .md, .html, .json or .txt files in it"
        # The directory at the end names the files; a document's first entries may be anything.
        ends = start + data[-4 * _START :]
        return next(((kind, hint) for mark, kind, hint in _IN_ZIP if mark in ends), archive)
    for mark, kind, hint in _KINDS:
        if start.startswith(mark):
            return kind, hint
    wide = start.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\x00" in start and not wide:
        return "binary", "publish .md, .html, .json or .txt files, as UTF-8"
    return None
