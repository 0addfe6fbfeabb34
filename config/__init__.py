"""Everything an operator can set: `defaults.toml`, overridden by the site's TOML file and the environment."""

from config.loading import COPY, file_in_force, load
from config.settings import Settings, WebSettings

__all__ = ["COPY", "Settings", "WebSettings", "file_in_force", "load"]
