"""Everything an operator sets: `defaults.toml` under the site's TOML file under the environment."""

from config.settings import Settings, load

__all__ = ["Settings", "load"]
