"""A request's headers and body, as far as they concern an event.

Law: nothing is read that will be refused, no more is held than one event may have, and no wait is longer than `stall`.
"""

import asyncio
import re
from collections.abc import Sequence

from aiohttp import StreamReader, hdrs, web

from sidecar.errors import NotAnEvent, WrongType
from sidecar.web.problems import TooSlow, too_large

JSON = "application/json"
NDJSON = "application/x-ndjson"
WAY_OUT = f"with curl: -H 'Content-Type: {JSON}', or {NDJSON} for one event a line"

CHUNK = 256 * 1024
"""Bytes read of a body at once."""

BLANK = b" \t\r\n"
"""JSON's white space (RFC 8259, section 2): no part of an event."""

KEY = re.compile(r"[A-Za-z0-9_.-]{1,128}")
TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def content_type(request: web.Request, kinds: Sequence[str] = (JSON, NDJSON), way_out: str = WAY_OUT) -> str:
    """Which of `kinds` the body is. Raises `WrongType`."""
    encoding = request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower()
    if encoding != "identity":
        raise WrongType(f"Content-Encoding {encoding[:50]!r} is not read here: send the body as it is")
    given = request.headers.get(hdrs.CONTENT_TYPE, "")
    kind = given.partition(";")[0].strip().lower()
    if kind in kinds:
        return kind
    wrong = f"is {kind[:100]!r}, which is not read here" if kind else "is missing"
    raise WrongType(f"Content-Type {wrong}; {way_out}")


def idempotency_key(request: web.Request) -> str:
    """The event's id as the header names it, "" where it does not. Raises `NotAnEvent`."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not KEY.fullmatch(key):
        raise NotAnEvent("Idempotency-Key must be 1 to 128 of A-Z a-z 0-9 _ . -")
    return key or ""


def traceparent(request: web.Request) -> str:
    """W3C Trace Context, section 3.2; "" where there is none or it is not well formed: such a one is to be ignored."""
    given = request.headers.get("traceparent", "")
    return given if TRACEPARENT.fullmatch(given) else ""


def wants_minimal(request: web.Request) -> bool:
    """Whether `Prefer: return=minimal` (RFC 7240) is among the preferences."""
    given = ",".join(request.headers.getall("Prefer", ()))
    tokens = (re.sub(r"[\s\"]", "", part.partition(";")[0]).lower() for part in given.split(","))
    return "return=minimal" in tokens


async def body(request: web.Request, limit: int, stall: float) -> bytes:
    """The whole body. Raises `TooLarge` as soon as it is, and `TooSlow`."""
    if (request.content_length or 0) > limit:
        raise too_large(limit)
    if request.content.is_eof():
        parts = [request.content.read_nowait()]
    else:
        parts, size = [], 0
        while size <= limit and (chunk := await take(request.content, stall)):
            parts.append(chunk)
            size += len(chunk)
    whole = b"".join(parts)
    if len(whole) > limit:
        raise too_large(limit)
    return whole


async def take(content: StreamReader, stall: float) -> bytes:
    """What has come of a body, at most `CHUNK` bytes; b"" at its end. Raises `TooSlow`."""
    try:
        async with asyncio.timeout(stall):
            return await content.read(CHUNK)
    except TimeoutError:
        raise TooSlow(f"nothing came for {stall:g} s, and the body is not complete") from None
