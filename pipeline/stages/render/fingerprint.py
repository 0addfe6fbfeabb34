"""Fingerprints of renditions: what made one besides its revision. If it has changed, the rendition is made again.

It covers the facts about the site (the disclaimer and the feeds among them), the code, the templates and the words of
the format, and the releases of the libraries that write markup and dates. It is the same in every process of a release.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

import msgspec

import pipeline
from pipeline.model.rendition import Format, digest_of
from pipeline.model.site import Site

_OURS = (
    "renditions",
    "appraisal",
    "citations",
    "flattening",
    "wording",
    "model",
    "feeds",
)  # packages whose code decides a rendition's bytes
_LIBRARIES = ("babel", "feedgen", "jinja2", "lxml", "markupsafe", "msgspec", "nh3")


def fingerprints(formats: Mapping[str, Format], site: Site) -> dict[str, str]:
    """Return the fingerprint of each format's renditions."""
    facts = msgspec.json.encode(site)
    return {name: digest_of(b"\n".join((_code_of(format).encode(), facts))) for name, format in formats.items()}


def combined(fingerprints: Mapping[str, str], rules: object = None) -> str:
    """Return the fingerprint of an article that is rendered in all these formats, under these rules of evidence."""
    return digest_of(msgspec.json.encode((sorted(fingerprints.items()), rules)))


def _code_of(format: Format) -> str:
    """Return what identifies a format's code. A plug-in's is its own package, and ours, which it may use."""
    kept = (format.name, format.media_type, format.extension)
    name = str(getattr(format.render, "__module__", ""))
    function = str(getattr(format.render, "__qualname__", ""))
    theirs = "" if name.startswith(f"{pipeline.__name__}.") else _package_digest(name.partition(".")[0])
    return "\n".join((*kept, name, function, theirs, own_code()))


@functools.cache
def own_code() -> str:
    """Return a digest of our code and templates that write renditions and feeds, and of the libraries they use."""
    root = Path(str(pipeline.__file__)).parent
    digest = hashlib.sha256()
    for folder in _OURS:
        _add(digest, root / folder)
    for library in _LIBRARIES:
        digest.update(f"{library} {version(library)}\n".encode())
    return digest.hexdigest()


@functools.cache
def _package_digest(name: str) -> str:
    """Return a digest of a top-level package's files, or of a module's file."""
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    digest = hashlib.sha256()
    if file is not None:
        _add(digest, Path(file).parent if hasattr(module, "__path__") else Path(file))
    return digest.hexdigest()


def _add(digest: hashlib._Hash, path: Path) -> None:
    for file in _files(path):
        digest.update(f"{file.relative_to(path.parent).as_posix()}\n".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for file in sorted(path.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts and not file.name.startswith("."):
            yield file
