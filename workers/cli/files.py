"""Article files on disk: which files of a folder are articles, and their bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline.errors import InvalidArticle
from pipeline.intake import source_formats
from pipeline.intake.decoding import MAX_BYTES
from pipeline.intake.own_rendition import is_own_rendition
from pipeline.model.event import FILE

if TYPE_CHECKING:
    from config.settings import Settings

_SECRETS = frozenset({"secrets", "secret"})  # folders that never hold articles, whatever the settings say
_MANIFESTS = "manifest"  # written next to the files that a channel keeps in a folder


@dataclass(frozen=True)
class Excluded:
    """What belongs to the system itself: its folders, and the files that hold secrets."""

    folders: frozenset[Path] = frozenset()
    secrets: frozenset[Path] = frozenset()

    @classmethod
    def of(cls, settings: Settings, environment: Mapping[str, str] = os.environ) -> Excluded:
        folders = {settings.data}
        if isinstance(settings.store_location, Path) or "://" not in settings.store_location:
            folders.add(Path(settings.store_location))
        for channel in settings.channels:
            folders.update(_folders_of(channel.own, channel.base))
        named = {
            value for name, value in environment.items() if name.startswith("CITEWIRE_") and name.endswith("_FILE")
        }
        for channel in settings.channels:
            named.update(_secret_files(channel.own))
        if settings.pubmed_api_key is not None and settings.pubmed_api_key.kind == "file":
            named.add(settings.pubmed_api_key.name)
        return cls(frozenset(map(_resolved, folders)), frozenset(_resolved(Path(name)) for name in named))

    def has(self, path: Path) -> bool:
        """Return whether a resolved path is one of these, or is inside one."""
        return path in self.secrets or not self.folders.isdisjoint((path, *path.parents))


@dataclass(frozen=True)
class ArticleFiles:
    """The files to read, and those in their folders that look like articles but are left out, with the reason."""

    files: list[Path] = field(default_factory=list)
    left_out: list[tuple[Path, str]] = field(default_factory=list)
    named: frozenset[Path] = frozenset()  # files that were given directly, not as part of a folder


def article_files(given: Sequence[Path], excluded: Excluded, *, none_is_fine: bool = False) -> ArticleFiles:
    """Find the article files. A folder means all article files in it, sorted by name.

    Raises InvalidArticle for a folder that holds none, or that belongs to the system itself.
    """
    found = ArticleFiles(named=frozenset(path for path in given if not path.is_dir()))
    for path in given:
        if not path.is_dir():
            found.files.append(path)
            continue
        if excluded.has(_resolved(path)):
            hint = "name the folder of your articles"
            raise InvalidArticle("is a folder of Citewire's own", file=str(path), code="own-folder", hint=hint)
        before = len(found.files)
        for inner, why in _inside(path, excluded):
            found.left_out.append((inner, why)) if why else found.files.append(inner)
        if len(found.files) == before and not none_is_fine:
            hint = f"put a file into it that ends in {', '.join(sorted(_suffixes()))}"
            raise InvalidArticle("holds no article file", file=str(path), code="no-article", hint=hint)
    return found


def is_article(path: Path, root: Path, excluded: Excluded) -> bool:
    """Return whether a file below `root` is one of its articles, judging by its name and place."""
    absolute, above = path.absolute(), root.absolute()
    if not absolute.is_relative_to(above):
        return False
    hidden = any(part.startswith(".") or part in _SECRETS for part in absolute.relative_to(above).parts)
    return not hidden and _is_meant(path) and not _why_not(path, _resolved(root), excluded)


def read_file(file: Path) -> bytes:
    """Read a file, stopping as soon as it is seen to be too large. Raises InvalidArticle."""
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        message = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise InvalidArticle(message, file=str(file), code="unreadable-file", hint="check the path") from error


def has_own_manifest(file: Path) -> bool:
    """Return whether a channel put the file here: it keeps a manifest next to each, also of formats without a mark."""
    manifest = file.parent / _MANIFESTS / f"{file.name}.json"
    try:
        return is_own_rendition(manifest.read_bytes())
    except OSError:
        return False


def _inside(root: Path, excluded: Excluded) -> Iterator[tuple[Path, str | None]]:
    """Yield each article file below a folder, with the reason if it is left out. Links to folders are not followed."""
    resolved = _resolved(root)
    links: list[Path] = []
    taken: set[Path] = set()
    for folder, folders, names in os.walk(root):
        inside = [name for name in folders if not (name.startswith(".") or name in _SECRETS)]
        folders[:] = sorted(name for name in inside if not excluded.has(_resolved(Path(folder, name))))
        for path in (Path(folder, name) for name in sorted(names) if not name.startswith(".")):
            if not _is_meant(path):
                continue
            if path.is_symlink():
                links.append(path)
                continue
            taken.add(_resolved(path))
            yield path, _why_not(path, resolved, excluded)
    for path in links:
        if _resolved(path) not in taken:  # the target of a link is not read under its own name
            yield path, _why_not(path, resolved, excluded)


def _why_not(path: Path, root: Path, excluded: Excluded) -> str | None:
    target = _resolved(path)
    if not target.is_relative_to(root):
        return "a link out of the folder"
    if target in excluded.secrets:
        return "a file that holds a secret"
    return "in a folder of Citewire's own" if excluded.has(target) else None


def _is_meant(path: Path) -> bool:
    """Return whether a file has an article's extension and is not hidden or left behind by an editor."""
    return path.suffix.lower() in _suffixes() and not path.name.startswith(".") and path.is_file()


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a link that points to itself
        return path.absolute()


def _folders_of(own: Mapping[str, object], base: Path) -> Iterator[Path]:
    """Yield the folders that a channel writes to on this machine."""
    path, url = own.get("path"), own.get("url")
    if isinstance(path, str) and "host" not in own:
        yield base / path
    if isinstance(url, str) and url.startswith("file:"):
        yield Path(urlsplit(url).path)


def _secret_files(value: object) -> Iterator[str]:
    if isinstance(value, str) and value.startswith("file:/"):
        yield value.removeprefix("file:")
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _secret_files(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _secret_files(inner)


@cache
def _suffixes() -> frozenset[str]:
    return frozenset(f".{extension}" for source in source_formats().values() for extension in source.extensions)


def is_gone(place: str) -> bool:
    """Return whether the file that an article came from no longer exists: it was moved, or its folder was."""
    return place.startswith(FILE) and not Path(place.removeprefix(FILE)).is_file()
