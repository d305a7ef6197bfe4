"""A message of the topic as a chat shows it: what Slack or Teams take at an incoming webhook."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rollout.domain.errors import InvalidInputError
from rollout.domain.notice import VERSION

# Slack cuts a text at 40,000 characters and asks for 4,000; a card of Teams may have 28 KB.
LONGEST: Final = 3000
LONGEST_TITLE: Final = 150
CARD: Final = "application/vnd.microsoft.card.adaptive"


@dataclass(frozen=True)
class Said:
    """title: one line. lines: text. commands: what to type, shown as code."""

    title: str
    lines: tuple[str, ...]
    commands: tuple[str, ...] = ()


def said(record: Any) -> Said:
    """What an SNS record of a Lambda event says: a notice, an alarm's change, or any text.

    Raises InvalidInputError for what is no SNS record.
    """
    sns = record.get("Sns") if isinstance(record, Mapping) else None
    text = sns.get("Message") if isinstance(sns, Mapping) else None
    if not isinstance(sns, Mapping) or not isinstance(text, str):
        raise InvalidInputError(
            field="event.Records[].Sns.Message", value=type(text).__name__, expected="a text"
        )
    document = _object(text)
    if document.get("version") == VERSION and "subject" in document:
        return _notice(document)
    if "AlarmName" in document:
        return _alarm(document)
    return Said(_cut(sns.get("Subject") or "a message", LONGEST_TITLE), (_cut(text, LONGEST),))


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _notice(document: Mapping[str, Any]) -> Said:
    happened = _cut("\n".join(str(line) for line in document.get("happened", ())), LONGEST)
    lines = (
        happened,
        f"Served now: {document.get('served')}.",
        f"To do: {document.get('to_do')}.",
    )
    commands = tuple(str(command) for command in document.get("commands", ()))
    return Said(_cut(document["subject"], LONGEST_TITLE), lines, commands)


def _alarm(document: Mapping[str, Any]) -> Said:
    state = document.get("NewStateValue", "another state")
    title = f"alarm {document['AlarmName']}: {state}"
    return Said(_cut(title, LONGEST_TITLE), (_cut(document.get("NewStateReason", ""), LONGEST),))


def _cut(text: Any, longest: int) -> str:
    plain = str(text)
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"


def slack(message: Said) -> dict[str, Any]:
    """For Slack, and what takes the same: Mattermost, Rocket.Chat, Google Chat."""
    code = ["```", *message.commands, "```"] if message.commands else []
    text = "\n".join((f"*{message.title}*", *message.lines, *code))
    # Source: Slack, "Formatting text for app surfaces": these three and no others.
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    return {"text": text}


def teams(message: Said) -> dict[str, Any]:
    """For a Teams workflow "when a webhook request is received": one adaptive card."""
    blocks = [{"text": message.title, "weight": "Bolder"}]
    blocks += [{"text": line} for line in message.lines if line]
    blocks += [{"text": command, "fontType": "Monospace"} for command in message.commands]
    body = [{"type": "TextBlock", "wrap": True, **block} for block in blocks]
    card = {"type": "AdaptiveCard", "version": "1.4", "body": body}
    return {"type": "message", "attachments": [{"contentType": CARD, "content": card}]}


KINDS: Final[Mapping[str, Callable[[Said], dict[str, Any]]]] = {"slack": slack, "teams": teams}
