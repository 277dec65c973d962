"""A body, once it is known that its sender may send one. Law: it is read in its time and within its size, or not at
all."""

import asyncio
from collections.abc import Sequence

from aiohttp import hdrs, web

from sidecar.errors import TooLarge
from sidecar.web import reading
from sidecar.web.problems import TooSlow

WAY_OUT = "choose application/json at the forge"


async def body(request: web.Request, kinds: Sequence[str], limit: int, seconds: float) -> bytes:
    """The whole body, of one of the `kinds`. Raises `WrongType`, `TooLarge` or `TooSlow`."""
    reading.content_type(request, kinds, WAY_OUT)
    if hdrs.EXPECT in request.headers:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    try:
        async with asyncio.timeout(seconds):
            return await reading.body(request, limit, seconds)
    except TooLarge:
        raise TooLarge(f"a body may have {limit} bytes here") from None
    except TimeoutError:
        raise TooSlow(f"the body was not whole after {seconds:g} s") from None
