"""The incoming webhook of a chat: its address is a secret, kept in SSM."""

import json
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final, Protocol, Self
from urllib.error import HTTPError

from rollout.adapters.clients import client
from rollout.domain.errors import InvalidInputError
from rollout.settings import settings

TIMEOUT_SECONDS: Final = 5.0


class NotToldError(RuntimeError):
    """The chat did not take the message; says why, never where to."""


class Webhook(Protocol):
    """The port: hand a JSON value to the chat. Raises NotToldError."""

    def post(self, body: dict[str, Any]) -> None: ...


@dataclass(frozen=True)
class SecretWebhook:
    """The webhook whose address is in an SSM parameter (SecureString).

    It is read for every message: they are few, and a new address counts at once.
    """

    api: Any
    parameter: str

    @classmethod
    def connect(cls) -> Self:
        """From the environment variables of the function."""
        return cls(client("ssm"), settings().text("CHAT_WEBHOOK_PARAMETER"))

    def post(self, body: dict[str, Any]) -> None:
        """One POST. Raises NotToldError, InvalidInputError for an address that is none of HTTPS,
        and what SSM raises."""
        kept = self.api.get_parameter(Name=self.parameter, WithDecryption=True)
        address = kept["Parameter"]["Value"].strip()
        if not address.startswith("https://"):
            raise InvalidInputError(
                field=f"SSM parameter {self.parameter}",
                value="kept secret",
                expected="the webhook's address, which begins with https://",
            )
        post(address, body)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A POST that is sent elsewhere would arrive there as a GET, without the message."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER: Final = urllib.request.build_opener(_NoRedirect)


def post(address: str, body: dict[str, Any]) -> None:
    """POST a JSON value. Raises NotToldError unless the answer is 2xx."""
    data = json.dumps(body, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8"}
    request = urllib.request.Request(address, data, headers, method="POST")
    try:
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS):
            return
    except HTTPError as error:
        raise NotToldError(f"the chat answered {error.code}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise NotToldError(f"the chat was not reached: {type(error).__name__}") from None
