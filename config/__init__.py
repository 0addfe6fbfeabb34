"""Everything an operator sets: `defaults.toml` under the site's TOML file under the environment."""

from config.loading import file_in_force, load
from config.settings import Settings

__all__ = ["Settings", "file_in_force", "load"]
