"""Check that there is enough disk space to accept events."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

MIN_FREE = 64 * 2**20  # bytes: a few of the largest events, with their renditions


def free_bytes(folder: Path) -> int:
    """Return the free space of the disk that holds the folder, or will hold it."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def shortage(folders: Iterable[Path], free: Callable[[Path], int] = free_bytes) -> str | None:
    """Return which folder has too little space left, as a cause for `/readyz`, or None."""
    for folder in folders:
        left = free(folder)
        if left < MIN_FREE:
            return f"disk-full: {folder} has {left:,} bytes left, fewer than {MIN_FREE:,}"
    return None
