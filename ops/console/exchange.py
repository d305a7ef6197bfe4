"""What a browser is told while it looks, and what it sends when a button is pressed."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from ops.console.watch import Watch

# A proxy or a browser gives up on a stream that says nothing.
HEARTBEAT_SECONDS: Final = 10.0
LONGEST_FORM: Final = 16_384


async def changes(request: Request, watch: Watch) -> AsyncIterator[str]:
    """A server-sent event whenever the watch has seen a change, its data the version; and a
    comment now and then."""
    told, beat = -1, time.monotonic()
    while not await request.is_disconnected():
        seen = await watch.look()
        if seen.version != told:
            told, beat = seen.version, time.monotonic()
            yield f"event: changed\ndata: {seen.version}\n\n"
        elif time.monotonic() - beat > HEARTBEAT_SECONDS:
            beat = time.monotonic()
            yield ": still here\n\n"
        await asyncio.sleep(min(watch.every_seconds, 1.0))


async def sent(request: Request) -> dict[str, str]:
    """The fields of a form as browsers send it; {} for what is too long to be one of ours."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_FORM:
            return {}
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
