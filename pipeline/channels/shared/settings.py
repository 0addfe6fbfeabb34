"""What the settings of all channel types have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from pipeline.channels import Channel, ChannelType
    from pipeline.http import Http


class ChannelSettings(BaseModel):
    """The base of every type's own keys: unknown ones are refused, and errors never quote a value."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def read_settings(channel_type: ChannelType, raw: Mapping[str, object], *, prefix: str) -> Any:
    """The type's settings out of `raw`, its own keys of a `[[channels]]` table.

    Raises ConfigError with the key, under `prefix` ("channels.partner-a"), and every further mistake in its message.
    """
    try:
        return channel_type.settings.model_validate(raw)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
    mistakes = [(".".join(map(str, (prefix, *one["loc"]))), one["msg"]) for one in details]
    key, message = mistakes[0]
    further = "".join(f"; {other}: {text}" for other, text in mistakes[1:])
    # No cause: a validator's own exception may quote the value.
    raise ConfigError(f"{message}{further}", key=key)


def open_channel(channel_type: ChannelType, settings: Any, http: Http, *, prefix: str) -> Channel:
    """Opens it. Raises ConfigError with the key under `prefix`, as for a secret that is not there."""
    try:
        return channel_type.open(settings, http)
    except ConfigError as error:
        error.key = ".".join(filter(None, (prefix, error.key)))
        raise
