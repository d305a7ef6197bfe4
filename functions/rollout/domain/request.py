"""A read request, as a direct invocation or an HTTP API event sends it."""

from collections.abc import Mapping
from typing import Any, Final

from rollout.domain.errors import InvalidInputError

LONGEST_USER_ID: Final = 256


def user_id_of(event: Any) -> str:
    """The user id of {"userId": …} or of an HTTP event's path or query parameter userId.

    Raises InvalidInputError when it is missing, no string, empty or too long.
    """
    found = _named(event, "userId")
    if not isinstance(found, str) or not found or len(found) > LONGEST_USER_ID:
        raise InvalidInputError(
            field="userId",
            value=found,
            expected=f"a string of 1 to {LONGEST_USER_ID} characters",
            remedy='Send {"userId": "user-1"} or GET /users/user-1.',
        )
    return found


def tenant_of(event: Any) -> str:
    """The tenant of {"tenant": …} or of an HTTP event's path or query; "" when none is named."""
    found = _named(event, "tenant")
    return found if isinstance(found, str) else ""


def _named(event: Any, name: str) -> Any:
    if not isinstance(event, Mapping):
        return None
    for holder in (event, event.get("pathParameters"), event.get("queryStringParameters")):
        if isinstance(holder, Mapping) and name in holder:
            return holder[name]
    return None
