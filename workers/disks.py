"""The disks that accepting and rendering write to."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.web.ops.disk import shortage

if TYPE_CHECKING:
    from config.known import Known
    from config.settings import Settings


def shortage_of(settings: Settings | Known) -> Callable[[], str | None]:
    """Return a check of the free space in the local folders: it returns what is full, or None."""
    own = [] if settings.database_url else [settings.data.absolute()]
    store = settings.store_location
    folders = [*own, *([] if isinstance(store, str) and "://" in store else [Path(store)])]
    return functools.partial(shortage, folders)
