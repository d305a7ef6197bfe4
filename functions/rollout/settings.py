"""What the deployment tells the functions: environment variables, read at first use."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Self


class SettingMissingError(RuntimeError):
    """An environment variable that the template should have set is not there."""

    def __init__(self, name: str) -> None:
        super().__init__(f"environment variable {name} is missing; template.yaml must set it")


class SettingInvalidError(RuntimeError):
    """An environment variable is there and makes no sense."""

    def __init__(self, name: str, value: str, expected: str) -> None:
        super().__init__(f"environment variable {name} is {value!r}; expected {expected}")


@dataclass(frozen=True)
class Settings:
    """A view of the environment. Reading a variable that is missing names it."""

    environ: Mapping[str, str]

    @classmethod
    def from_environ(cls) -> Self:
        """A snapshot of the process environment."""
        return cls(dict(os.environ))

    def text(self, name: str) -> str:
        """The variable's value; raises SettingMissingError when missing or empty."""
        value = self.environ.get(name, "")
        if not value:
            raise SettingMissingError(name)
        return value

    def optional(self, name: str) -> str:
        """The variable's value, or "" when it is not set."""
        return self.environ.get(name, "")

    def whole(self, name: str) -> int:
        """A whole number >= 0; raises SettingMissingError or SettingInvalidError."""
        value = self.text(name)
        if not value.isascii() or not value.isdigit():
            raise SettingInvalidError(name, value, "a whole number >= 0")
        return int(value)

    def port(self, name: str) -> int:
        """A port of an extension beside the function, or 0 when there is none.

        Raises SettingInvalidError.
        """
        value = self.optional(name)
        if value and not (value.isascii() and value.isdigit() and 0 < int(value) < 65_536):
            raise SettingInvalidError(name, value, "a port, 1 to 65535")
        return int(value or 0)

    def words(self, name: str) -> tuple[str, ...]:
        """A comma-separated list; empty when the variable is not set."""
        return tuple(word.strip() for word in self.optional(name).split(",") if word.strip())


@cache
def settings() -> Settings:
    """The process's settings, read once."""
    return Settings.from_environ()
