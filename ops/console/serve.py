"""The console on a port of loopback, until Ctrl-C."""

import socket
from typing import Final

import uvicorn

from ops import approving
from ops.console.app import Console, application
from ops.console.watch import Source
from ops.deployed import Stack
from ops.rollouts import RolloutError

ADDRESS: Final = "127.0.0.1"
# Browsers keep their event streams open; an end does not wait for them.
GOODBYE_SECONDS: Final = 1


def listening(port: int) -> socket.socket:
    """A socket that listens on a port of loopback, 0 for any free one.

    Raises RolloutError for a port that cannot be had.
    """
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((ADDRESS, port))
        found.listen()
    except OSError as error:
        found.close()
        raise RolloutError(
            f"port {port} of {ADDRESS} cannot be had: {error.strerror}; is a console running "
            "already? Give another one with --port, or --port 0 for any"
        ) from error
    return found


def console(stack: Stack, every_seconds: float, acts: bool) -> Console:
    """The console of a stack."""
    return Console(Source(stack), every_seconds, acts, approving.caller() if acts else "")


def address(port: int, made: Console) -> str:
    """What to open in a browser; with the token where the console allows actions."""
    token = f"?token={made.key.token}" if made.key.allowed else ""
    return f"http://{ADDRESS}:{port}/{token}"


def serve(made: Console, found: socket.socket) -> None:
    """Answer until Ctrl-C or SIGTERM."""
    config = uvicorn.Config(
        application(made),
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=GOODBYE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[found])
