"""GET from a Lambda extension: the agents that AWS runs beside a function, on localhost."""

import http.client
from collections.abc import Mapping


class ExtensionError(OSError):
    """An extension answered, and not with what was asked for."""


def get(port: int, path: str, headers: Mapping[str, str], timeout_s: float) -> bytes:
    """The body of a 200 answer.

    Raises ExtensionError with the status (never the body: it may be a secret), or what the
    socket raises. A connection of its own each time: a kept one may have died in the freeze.
    """
    connection = http.client.HTTPConnection("localhost", port, timeout=timeout_s)
    try:
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        body = answer.read()
    except http.client.HTTPException as error:
        raise ExtensionError(type(error).__name__) from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise ExtensionError(f"status {answer.status}")
    return body
