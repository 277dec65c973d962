"""A body, once it is known that its sender may send one. Law: it is read in its time, within its size and at its pace,
or not at all."""

import asyncio
from collections.abc import Sequence

from aiohttp import StreamReader, hdrs, web

from sidecar.errors import TooLarge
from sidecar.web import reading
from sidecar.web.problems import TooSlow

WAY_OUT = "choose application/json at the forge"
FREE = 2**20
"""Bytes of a body that are read as they come; what is larger has a pace."""

PACE = 16 * 2**20
"""Bytes a second of all such bodies together, so that they leave the event loop to others."""


FEW = 4
"""Such bodies at once: so many are in memory, however many are sent."""


class Pace:
    """Who reads more waits for the others who do."""

    def __init__(self) -> None:
        self.few = asyncio.Semaphore(FEW)
        self._turn = asyncio.Lock()

    async def wait(self, size: int) -> None:
        """After so many bytes more."""
        async with self._turn:
            await asyncio.sleep(size / PACE)


async def body(request: web.Request, kinds: Sequence[str], limit: int, seconds: float, pace: Pace) -> bytes:
    """The whole body, of one of the `kinds`. Raises `WrongType`, `TooLarge` or `TooSlow`."""
    reading.content_type(request, kinds, WAY_OUT)
    too_large = TooLarge(f"a body may have {limit} bytes here")
    if (request.content_length or 0) > limit:
        raise too_large
    if hdrs.EXPECT in request.headers:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    try:
        async with asyncio.timeout(seconds):
            whole = await _read(request.content, limit, pace)
    except TimeoutError:
        raise TooSlow(f"the body was not whole after {seconds:g} s") from None
    if len(whole) > limit:
        raise too_large
    return whole


async def _read(content: StreamReader, limit: int, pace: Pace) -> bytes:
    """All of it, or a little more than `limit`."""
    start = await _more(content, min(limit, FREE), None)
    if len(start) <= min(limit, FREE) or len(start) > limit:
        return start
    async with pace.few:
        return start + await _more(content, limit - len(start), pace)


async def _more(content: StreamReader, limit: int, pace: Pace | None) -> bytes:
    """What comes until the end, or a little more than `limit`."""
    parts, size = [], 0
    while size <= limit and (chunk := await content.read(reading.CHUNK)):
        parts.append(chunk)
        size += len(chunk)
        if pace is not None:
            await pace.wait(len(chunk))
    return b"".join(parts)
