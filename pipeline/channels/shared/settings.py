"""The base of all channel types' settings, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo

from pipeline.errors import ConfigError
from pipeline.validation import config_error
from pipeline.web_address import web_address

if TYPE_CHECKING:
    from pipeline.channels import Channel, ChannelType
    from pipeline.http import Http


def _from_base(path: Path, info: ValidationInfo) -> Path:
    return Path((info.context or {}).get("base", "")) / path


def _callable(address: str) -> str:
    web_address(address)
    return address


# Seconds that a delivery may take in total. Its row is leased for 45.
TotalTimeout = Annotated[float, Field(gt=0, le=40)]
Address = Annotated[str, AfterValidator(_callable)]  # absolute, http or https
LocalPath = Annotated[Path, AfterValidator(_from_base)]  # relative to the settings file


class ChannelSettings(BaseModel):
    """The base class of channel settings. Unknown keys are refused, and errors never quote a value."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def read_settings(
    channel_type: ChannelType, raw: Mapping[str, object], *, prefix: str, base: Path = Path(), more: Sequence[str] = ()
) -> Any:
    """Return the type's settings from `raw`, the keys of a `[[channels]]` table that are its own.

    Raises ConfigError with the key under `prefix` ("channels.partner-a"), and the other mistakes in `further`.
    `base`: the folder that relative paths start from. `more`: the keys that every channel has, for hints.
    """
    try:
        return channel_type.settings.model_validate(raw, context={"base": base})
    except ValidationError as error:
        mistake = config_error(error, channel_type.settings, raw, prefix=prefix, more=more)
    raise mistake  # without a cause: a validator's exception may quote the value


def open_channel(channel_type: ChannelType, settings: Any, http: Http, *, prefix: str) -> Channel:
    """Open a channel. Raises ConfigError with the key under `prefix`, as for a missing secret."""
    try:
        return channel_type.open(settings, http)
    except ConfigError as error:
        error.key = ".".join(filter(None, (prefix, error.key)))
        raise
