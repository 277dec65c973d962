"""What is sent in. Law: the same 1 KiB events for every run, of many repositories; loopback and unix sockets only. They
are made before the clock starts, and to send them costs next to nothing, so that what is measured is the sidecar.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Self

import msgspec

REPOSITORIES = 997
SIZE = 1024
HEAD = b"POST /events HTTP/1.1\r\nHost: sidecar\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


def event(number: int) -> bytes:
    """A build event of exactly `SIZE` bytes."""
    repo = number % REPOSITORIES
    head = {
        "event": "build",
        "action": "created",
        "repo": {"id": repo, "slug": f"octo/repo-{repo}", "active": True},
        "build": {"id": number, "number": number + 1, "status": "running", "ref": "refs/heads/main", "message": ""},
    }
    size = len(msgspec.json.encode(head))
    head["build"]["message"] = "m" * (SIZE - size)  # type: ignore[index] # a dict, three lines above
    return msgspec.json.encode(head)


class Caller(asyncio.Protocol):
    """One connection: an event at a time."""

    @classmethod
    async def connect(cls, path: str) -> Self:
        _, caller = await asyncio.get_running_loop().create_unix_connection(cls, path)
        return caller

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._heard = b""
        self._acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._acknowledged.set_result(None)

    def post(self, body: bytes) -> asyncio.Future[None]:
        """Done once it is acknowledged."""
        self._acknowledged = asyncio.get_running_loop().create_future()
        self._transport.write(HEAD % len(body) + body)  # type: ignore[attr-defined] # a stream transport
        return self._acknowledged

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, end, body = self._heard.partition(b"\r\n\r\n")
        if not end or len(body) < length(head):
            return
        if head.startswith(b"HTTP/1.1 202"):
            self._acknowledged.set_result(None)
        else:
            self._acknowledged.set_exception(RuntimeError(self._heard.decode()))
        self._heard = b""

    def connection_lost(self, error: Exception | None) -> None:
        if not self._acknowledged.done():
            self._acknowledged.set_exception(error or ConnectionError("closed before its answer"))

    def close(self) -> None:
        self._transport.close()


def made(count: int) -> Sequence[bytes]:
    """The first `count` events."""
    return [event(number) for number in range(count)]


async def singly(path: str, events: Sequence[bytes], connections: int) -> list[float]:
    """Post `events` one by one over `connections`; seconds each waited for its acknowledgement."""
    waits: list[float] = []
    bodies = iter(events)

    async def connection() -> None:
        caller = await Caller.connect(path)
        for body in bodies:
            start = time.perf_counter()
            await caller.post(body)
            waits.append(time.perf_counter() - start)
        caller.close()

    await asyncio.gather(*[connection() for _ in range(connections)])
    return waits


async def lines(path: str, events: Sequence[bytes]) -> None:
    """Post `events` as NDJSON in one request, and read the summary."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(
        b"POST /events HTTP/1.1\r\nHost: sidecar\r\nContent-Type: application/x-ndjson\r\nPrefer: return=minimal\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    for start in range(0, len(events), 64):
        chunk = b"".join([one + b"\n" for one in events[start : start + 64]])
        writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    body = await (reader.readexactly(length(head)) if b"ength:" in head else reader.readuntil(b"0\r\n\r\n"))
    if b'"accepted":%d' % len(events) not in body:
        raise RuntimeError(body.decode())
    writer.close()


def length(head: bytes) -> int:
    return int(head.lower().split(b"content-length:", 1)[1].split(b"\r", 1)[0])
