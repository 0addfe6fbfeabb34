"""Read the settings: `defaults.toml`, overridden by the site's TOML file, overridden by the environment."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.environment import COPY, VARIABLES, file_in_force, of_environment, other_addresses
from config.settings import Settings, public_sources
from pipeline.errors import ConfigError
from pipeline.validation import config_error

DEFAULTS = Path(__file__).with_name("defaults.toml")

_SQLITE = "sqlite:///"


def load_checked(environment: Mapping[str, str], *, file: Path | None, data: Path | None) -> Settings:
    """Do what `config.load` says."""
    file = file_in_force(environment, file)
    base = file.parent if file else Path()
    copy = environment.get(COPY)
    merged = _over(_read(DEFAULTS), _relative_to(base, _read(Path(copy) if copy else file)) if file else {})
    given, addresses = of_environment(environment), _addresses_of_sources(environment)
    given |= {"sources": addresses} if addresses else {}
    merged = _over(merged, given if data is None else given | {"data": data})
    try:
        settings = Settings.model_validate(merged, context={"base": base, "file": file})
        _unique("feeds", [feed.id for feed in settings.feeds])
        _unique("channels", [channel.id for channel in settings.channels])
    except ValidationError as error:
        mistake = config_error(error, Settings, merged)
    except ConfigError as error:
        mistake = error
    else:
        return settings
    for one in (mistake, *mistake.further):
        _place(one, file, environment)
    raise mistake  # without pydantic's own error as its cause, which may quote a secret


def _addresses_of_sources(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the addresses of sources of references, by their names: CITEWIRE_CROSSREF_URL is that of `crossref`.

    The sources are imported only if a variable may name one.
    """
    others = other_addresses(environment)
    if not others:
        return {}
    named = {name: others.get(f"CITEWIRE_{name.upper()}_URL") for name in public_sources()}
    return {name: address for name, address in named.items() if address}


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Merge tables key by key; replace anything else, including lists of tables."""
    merged = dict(below)
    for key, value in above.items():
        base = merged.get(key)
        merged[key] = _over(base, value) if isinstance(base, dict) and isinstance(value, dict) else value
    return merged


def _relative_to(base: Path, given: dict[str, Any]) -> dict[str, Any]:
    """Resolve the file's own relative paths against its folder, so that every process finds the same ones.

    Channel types resolve their own, because only they know which of their keys are paths.
    """
    found = dict(given)
    if isinstance(data := given.get("data"), str):
        found["data"] = base / data
    if isinstance(store := given.get("store_url"), str) and "://" not in store:
        found["store_url"] = str(base / store)
    database = given.get("database_url")
    if isinstance(database, str) and database.startswith(_SQLITE) and database != _SQLITE:
        found["database_url"] = f"{_SQLITE}{base.absolute() / database.removeprefix(_SQLITE)}"
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError("is not UTF-8", file=str(path), hint="save it as UTF-8", code="invalid-toml") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        message = error if isinstance(error, ValueError) else "values are nested too deep"
        raise ConfigError(f"not TOML: {message}", file=str(path), code="invalid-toml") from error
    except (OSError, ValueError) as error:  # ValueError: a path that contains a null byte
        reason = getattr(error, "strerror", None) or error
        hint = "check the path in --config or CITEWIRE_CONFIG"
        raise ConfigError(f"cannot be read: {reason}", file=str(path), hint=hint, code="config-unreadable") from error


def _place(mistake: ConfigError, file: Path | None, environment: Mapping[str, str]) -> None:
    """Name the variable that a setting came from, or else the file."""
    top = (mistake.key or "").partition(".")[0]
    name = next((name for name, key in VARIABLES.items() if key == top), None)
    if name and (environment.get(name) or environment.get(f"{name}_FILE")):
        mistake.key = name if environment.get(name) else f"{name}_FILE"
    elif file is not None:
        mistake.file = str(file)


def _unique(table: str, ids: list[str]) -> None:
    for one in ids:
        if ids.count(one) > 1:
            hint = "give each an id of its own"
            raise ConfigError(f"there are two with the id {one!r}", key=f"{table}.id", hint=hint, code="duplicate-id")
