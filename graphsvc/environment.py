"""Read settings from the environment as shells, compose files and containers pass them.

An empty variable is unset. A value loses the line end that `echo` and files of secrets put after it. A secret can be in
a file that `NAME_FILE` names, as Docker and Kubernetes mount it.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from graphsvc.errors import SettingsError

_MAX_FILE_BYTES = 64 * 1024
"""A secret is short: a longer file is another one, and `/dev/zero` has no end."""


class Environment(PydanticBaseSettingsSource):
    """The source of settings that reads `PREFIX_NAME`, and `PREFIX_NAME_FILE` for fields that files can give."""

    def __init__(self, settings: type[BaseSettings], prefix: str, in_files: frozenset[str]) -> None:
        """Remember what to look for.

        Args:
            settings: the class whose fields are read.
            prefix: what all names begin with, with its underscore.
            in_files: fields that `NAME_FILE` can give, besides those whose type is `SecretStr`.
        """
        super().__init__(settings)
        self._prefix = prefix
        self._in_files = in_files
        # Names in lower case are read too; the one in upper case wins.
        folded = {name.upper(): value for name, value in os.environ.items()}
        self._given: Mapping[str, str] = folded | dict(os.environ)

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value of one field (None: unset), its name, and that it is no JSON.

        Raises:
            SettingsError: the variable and its file contradict each other, or the file cannot be read.
        """
        name = f"{self._prefix}{field_name}".upper()
        secret = _is_secret(field)
        value = _clean_value(self._given.get(name, ""), secret=secret)
        file = self._given.get(f"{name}_FILE", "").strip()
        if not file:
            return value or None, field_name, False
        if not secret and field_name not in self._in_files:
            raise SettingsError(f"{name}_FILE is set, and only secrets are read from files.", f"Set {name}.")
        if value:
            raise SettingsError(f"{name} and {name}_FILE are both set.", "Unset one of them.")
        return _clean_value(_read_secret(f"{name}_FILE", file), secret=secret), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the values of all fields that are set."""
        found = {}
        for name, field in self.settings_cls.model_fields.items():
            value, _, _ = self.get_field_value(field, name)
            if value is not None:
                found[name] = SecretStr(value) if _is_secret(field) else value
        return found


def _is_secret(field: FieldInfo) -> bool:
    """Return whether a field is a `SecretStr`, or one that can be unset."""
    return "SecretStr" in repr(field.annotation)


def _clean_value(value: str, *, secret: bool) -> str:
    """Return a value without what surrounds it by accident; a secret can begin or end with a space."""
    return value.rstrip("\r\n") if secret else value.strip()


def _read_secret(variable: str, file: str) -> str:
    """Return the text of the file that a variable names.

    Raises:
        SettingsError: it cannot be read, is no text, or is empty.
    """
    todo = f"Correct {variable}, or the file and its mode."
    try:
        with Path(file).expanduser().open("rb") as opened:
            content = opened.read(_MAX_FILE_BYTES + 1)
        text = content.decode("utf-8-sig")
    except (OSError, RuntimeError) as error:  # RuntimeError: `~` without a home
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(f"{variable} names {file}, which cannot be read: {reason}.", todo) from None
    except ValueError:
        raise SettingsError(f"{variable} names {file}, which is no UTF-8 text.", todo) from None
    if len(content) > _MAX_FILE_BYTES or "\0" in text:
        raise SettingsError(f"{variable} names {file}, which is no secret: it is too long.", todo)
    if not text.strip():
        raise SettingsError(f"{variable} names {file}, which is empty.", todo)
    return text
