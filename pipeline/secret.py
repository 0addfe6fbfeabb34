"""References to secrets. Settings say where to find a secret, and never contain one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core.core_schema import CoreSchema

_LONGEST = 64 * 1024  # most bytes read from a secret's file: enough for any key


@dataclass(frozen=True)
class SecretRef:
    """`env:NAME`, or `file:/path` (as mounted by container platforms). Usable as a pydantic field."""

    kind: Literal["env", "file"]
    name: str

    @classmethod
    def parse(cls, text: object) -> SecretRef:
        """Parse a reference. Raises ValueError that does not quote the text, which may be the secret itself."""
        if isinstance(text, SecretRef):
            return text
        if isinstance(text, str):
            if text.startswith("env:") and text[4:].isidentifier():
                return cls("env", text[4:])
            if text.startswith("file:/"):
                return cls("file", text[5:])
        raise ValueError("do not write the secret here: refer to it as 'env:NAME' or 'file:/path'")

    def resolve(self, key: str) -> str:
        """Return the secret, stripped of white space. Raises ConfigError naming the setting `key`."""
        value = (os.environ.get(self.name, "") if self.kind == "env" else self._read(key)).strip()
        if not value:
            what = "environment variable" if self.kind == "env" else "file"
            raise ConfigError(f"the {what} {self.name} is not set or empty", key=key, code="secret-missing")
        return value

    def _read(self, key: str) -> str:
        try:
            with Path(self.name).open("rb") as file:
                return file.read(_LONGEST).decode()
        except OSError as error:
            message = f"the secret file {self.name} cannot be read: {error.strerror}"
            raise ConfigError(message, key=key, code="secret-missing") from error
        except UnicodeDecodeError:
            # No `from error`: its message would contain the bytes.
            raise ConfigError(f"the file {self.name} is not UTF-8", key=key, code="secret-missing") from None

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema  # whoever asks has it

        return core_schema.no_info_plain_validator_function(cls.parse, serialization=core_schema.to_string_ser_schema())
