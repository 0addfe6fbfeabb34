"""Everything an operator can set: `defaults.toml`, overridden by the site's TOML file and the environment.

load       reads and checks all of it: `Settings`
known      what a command needs of it, if it was checked before
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from config.environment import COPY, file_in_force

if TYPE_CHECKING:
    from config.settings import Settings

__all__ = ["COPY", "file_in_force", "load"]


def load(environment: Mapping[str, str], *, file: Path | None = None, data: Path | None = None) -> Settings:
    """Return the settings in force. `file` and `data`, from the command line, override the environment.

    Raises ConfigError naming the file (or the variable) and the key, with every further mistake in its `further`.
    """
    from config.loading import load_checked  # with pydantic, which a command whose settings are known needs not

    return load_checked(environment, file=file, data=data)
