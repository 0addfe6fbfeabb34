"""What the environment sets, and which file it names. Nothing is checked here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.secret import SecretRef

VARIABLES = {
    "CITEWIRE_DATA": "data",
    "CITEWIRE_DATABASE_URL": "database_url",
    "CITEWIRE_REDIS_URL": "redis_url",
    "CITEWIRE_STORE_URL": "store_url",
    "CITEWIRE_PUBMED_URL": "pubmed_url",
    "CITEWIRE_PUBMED_EMAIL": "pubmed_email",
    "CITEWIRE_IDCONV_URL": "idconv_url",
    "CITEWIRE_EGRESS_ALLOW": "egress_allow",
}
API_KEY = "CITEWIRE_PUBMED_API_KEY"
COPY = "CITEWIRE_CONFIG_COPY"  # set by `up` for its processes: read instead of the file, which may have changed since

_FROM_FILES = ("CITEWIRE_DATABASE_URL", "CITEWIRE_REDIS_URL")  # these URLs may contain passwords
_ADDRESS = re.compile("CITEWIRE_[A-Z0-9_]+_URL")


def file_in_force(environment: Mapping[str, str], file: Path | None = None) -> Path | None:
    """Return the site's TOML file: the given one, or the one that the environment names."""
    named = environment.get("CITEWIRE_CONFIG")
    return file or (Path(named) if named else None)


def of_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what the environment sets. An empty variable counts as unset.

    A value that may be secret can also be in a file whose path is in NAME_FILE, as container platforms mount secrets.
    NAME takes precedence. Raises ConfigError for such a file that cannot be used.
    """
    given: dict[str, Any] = {key: environment[name] for name, key in VARIABLES.items() if environment.get(name)}
    for name in _FROM_FILES:
        key, path = VARIABLES[name], environment.get(f"{name}_FILE")
        if path and key not in given:
            given[key] = SecretRef("file", path).resolve(f"{name}_FILE")
    if environment.get(API_KEY):
        given["pubmed_api_key"] = SecretRef("env", API_KEY)
    elif path := environment.get(f"{API_KEY}_FILE"):
        given["pubmed_api_key"] = SecretRef("file", path)
    return given


def other_addresses(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that may be addresses of sources of references: CITEWIRE_CROSSREF_URL is that of one."""
    return {
        name: value
        for name, value in environment.items()
        if _ADDRESS.fullmatch(name) and name not in VARIABLES and value
    }
