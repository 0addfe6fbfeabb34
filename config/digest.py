"""What all hosts of a site must agree on, as one digest. It contains no secret's value."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config.settings import Settings

# A host's own: where its files are, how it reaches the servers (with passwords), and how much it does at once.
_OF_THE_HOST = {"data", "database_url", "redis_url", "pubmed_api_key", "workers"}


def digest_of(settings: Settings) -> str:
    """Return a digest of the settings, of which secrets only count by where they are found."""
    shared = settings.model_dump(mode="json", exclude=_OF_THE_HOST)
    shared["has_key"] = settings.pubmed_api_key is not None
    text = json.dumps(shared, sort_keys=True, default=str)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
