"""How `citewire web` speaks HTTP: uvicorn, with limits that hold without a proxy before it (ADR 0043)."""

from workers.serving.limits import Limits
from workers.serving.server import Server, server_of

__all__ = ["Limits", "Server", "server_of"]
