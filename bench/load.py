"""What is sent in. Law: the same 1 KiB events for every run, of many repositories; loopback and unix sockets only."""

import asyncio
import time

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


async def singly(path: str, count: int, connections: int) -> list[float]:
    """Post `count` events one by one over `connections`; seconds each waited for its acknowledgement."""
    waits: list[float] = []
    numbers = iter(range(count))

    async def connection() -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        for number in numbers:
            body = event(number)
            start = time.perf_counter()
            writer.write(HEAD % len(body) + body)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 202"):
                raise RuntimeError(head.decode())
            await reader.readexactly(length(head))
            waits.append(time.perf_counter() - start)
        writer.close()

    await asyncio.gather(*[connection() for _ in range(connections)])
    return waits


async def lines(path: str, count: int) -> None:
    """Post `count` events as NDJSON in one request, and read the summary."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(
        b"POST /events HTTP/1.1\r\nHost: sidecar\r\nContent-Type: application/x-ndjson\r\nPrefer: return=minimal\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    for start in range(0, count, 64):
        chunk = b"".join(event(n) + b"\n" for n in range(start, min(start + 64, count)))
        writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    body = await (reader.readexactly(length(head)) if b"ength:" in head else reader.readuntil(b"0\r\n\r\n"))
    if b'"accepted":%d' % count not in body:
        raise RuntimeError(body.decode())
    writer.close()


def length(head: bytes) -> int:
    return int(head.lower().split(b"content-length:", 1)[1].split(b"\r", 1)[0])
