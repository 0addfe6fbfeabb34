"""Work through a connection pooler in transaction mode, such as PgBouncer.

Each transaction may have another server connection there. Nothing has to be configured: a connection whose session
settings did not arrive at the server is one to a pooler.

prepared statements   not used: the next transaction's server connection would not know them
session settings      set in each transaction instead, in one statement
"""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

_ARRIVED = "citewire.direct"  # a setting of our own, which only the server itself takes
_SETTING = re.compile(r"-c\s*([\w.]+)=(\S+)")
_UNSUPPORTED = "unsupported startup parameter"  # PgBouncer's words, without an SQLSTATE of their own
_POOLED = "citewire_pooled"  # in a connection's `info`


def support_poolers(engine: sa.Engine, options: str) -> None:
    """Have the engine recognise a pooler at each connection. `options`: the session settings, as libpq has them.

    Those of the TCP connection would be about the pooler's own one, so they are left out.
    """
    settings = {name: value for name, value in _SETTING.findall(options) if not name.startswith("tcp_")}

    @sa.event.listens_for(engine, "do_connect")
    def _connect(dialect: sa.Dialect, record: Any, arguments: Any, parameters: dict[str, Any]) -> Any:
        """Connect, without session settings if the pooler refuses those."""
        given = f"{parameters.get('options', '')} -c {_ARRIVED}=on"
        try:
            return dialect.connect(*arguments, **parameters | {"options": given})
        except dialect.loaded_dbapi.Error as error:
            if _UNSUPPORTED not in str(error):
                raise
        return dialect.connect(*arguments, **{name: each for name, each in parameters.items() if name != "options"})

    @sa.event.listens_for(engine, "connect")
    def _look(connection: Any, record: Any) -> None:
        arrived = connection.execute("SELECT current_setting(%s, true)", [_ARRIVED]).fetchone()
        connection.rollback()
        record.info[_POOLED] = arrived != ("on",)
        if record.info[_POOLED]:
            connection.prepare_threshold = None

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        if connection.info.get(_POOLED) and settings:
            connection.execute(_local(settings))


def is_pooled(connection: sa.Connection) -> bool:
    """Return whether a pooler is between us and the server."""
    return bool(connection.info.get(_POOLED))


def _local(settings: dict[str, str]) -> sa.Select[Any]:
    return sa.select(*(sa.func.set_config(name, value, True) for name, value in settings.items()))
