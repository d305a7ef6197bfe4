"""`rollout report`: all that was tried, seen and decided in one rollout, as one file."""

from typing import Final

FORMATS: Final = ("html", "md", "json")
