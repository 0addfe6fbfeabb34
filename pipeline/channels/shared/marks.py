"""The mark in a folder that all hosts of a site share, beside the manifests."""

from __future__ import annotations

from pathlib import Path

from pipeline.channels.shared.folder import Folder, failure_of
from pipeline.channels.shared.manifest import MANIFESTS

_MARK = ".citewire-site"


def read_mark(path: Path) -> str | None:
    """Return the mark of the folder, or None if there is none. Raises as a delivery into it.

    Nothing is written: without its mount, the folder is one of this host's, and often one that it cannot write to.
    """
    if not path.is_dir():
        return None
    try:
        with Folder.opened(path) as folder, folder.inner(MANIFESTS, create=False) as manifests:
            body = manifests.read(_MARK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise failure_of(error, path) from error
    return None if body is None else body.decode("ascii", "replace").strip()


def write_mark(path: Path, mark: str, *, create: bool) -> None:
    """Write or replace the mark. `create` the folder if it is missing."""
    try:
        if create:
            path.mkdir(parents=True, exist_ok=True)
        with Folder.opened(path) as folder, folder.inner(MANIFESTS) as manifests, manifests.locked(f"{_MARK}-lock"):
            manifests.replace(_MARK, f"{mark}\n".encode())
            manifests.sync()
    except OSError as error:
        raise failure_of(error, path) from error
