"""Who floods the inbound listener: every limit, each by a request that is over it. Law: raw bytes over real sockets; a
time that is cut short is a number of the rig, and nothing here waits for a clock of its own."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from forge_bodies import GITHUB, GITHUB_PUSH, body
from inbound_rig import SECRET, Post, listening
from structlog.testing import capture_logs

from sidecar.inbound import routes, webhooks

PUSH = body(GITHUB_PUSH)
PATH = f"/webhooks/@rpms/tools/{SECRET}/"
ENOUGH = 20.0


@asynccontextmanager
async def connected(it: Post) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
    try:
        async with asyncio.timeout(ENOUGH):
            yield reader, writer
    finally:
        writer.close()


def head(path: str = PATH, **more: str) -> bytes:
    fields = {"Host": "sidecar", **GITHUB, **{name.replace("_", "-"): value for name, value in more.items()}}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def refused(answer: bytes) -> bool:
    """As what is no HTTP, or not as much of it as is read."""
    return b" 400 " in answer.partition(b"\r\n")[0]


async def said(it: Post, *parts: bytes) -> bytes:
    """All that comes back until the connection is closed."""
    async with connected(it) as (reader, writer):
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await reader.read()


async def test_a_head_that_does_not_end_is_cut(tmp_path: Path) -> None:
    async with listening(tmp_path, head_time=0.05) as it:
        assert await said(it, b"POST /webhooks/a HTTP/1.1\r\nHost: a\r\nX-A: ") == b""
        assert await said(it) == b"", "nor is one that does not begin"
        assert (await it.post(PUSH)).status == 202


async def test_a_body_that_is_not_whole_in_time_is_cut_however_it_drips(tmp_path: Path) -> None:
    async with listening(tmp_path, body_time=0.05) as it:
        answer = await said(it, head(Content_Length="1000"), b"{")
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert (await it.logged()).reason == "the body was not whole after 0.05 s"


async def test_a_body_that_is_too_large_is_refused_by_its_length_alone(tmp_path: Path) -> None:
    async with listening(tmp_path) as it:
        answer = await said(it, head(Content_Length=str(webhooks.LARGEST + 1)))
        assert answer.startswith(b"HTTP/1.1 413 ")
        chunk = b"10000\r\n" + b" " * 2**16 + b"\r\n"
        answer = await said(it, head(Transfer_Encoding="chunked"), *[chunk] * (webhooks.LARGEST // 2**16 + 1))
        assert answer.startswith(b"HTTP/1.1 413 ")


async def test_nothing_of_a_body_is_read_before_the_secret_is_right(tmp_path: Path) -> None:
    async with listening(tmp_path) as it:
        for path in ("/webhooks/@rpms/tools/wrong/", "/hooks/drone"):
            answer = await said(it, head(path, Content_Length=str(2**30), Expect="100-continue"))
            assert answer.startswith(b"HTTP/1.1 403 "), "and nobody is asked to send it"
        whole = await said(it, head(Content_Length=str(len(PUSH)), Expect="100-continue", Connection="close"), PUSH)
        assert whole.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 ")


async def test_what_is_compressed_is_not_read(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(2**20))
    async with listening(tmp_path) as it:
        answer = await it.post(bomb, {**GITHUB, "Content-Encoding": "gzip"})
        assert answer.status == 415


async def test_a_head_of_many_or_long_headers_is_refused(tmp_path: Path) -> None:
    async with listening(tmp_path) as it:
        for more in ({f"X-{n}": "y" for n in range(200)}, {"X_Long": "y" * 10_000}):
            assert refused(await said(it, head(Connection="close", **more)))
        assert refused(await said(it, head("/" + "x" * 10_000)))
        assert (await it.post(PUSH)).status == 202


async def test_one_address_has_so_many_connections_and_no_more(tmp_path: Path) -> None:
    async with listening(tmp_path) as it:
        kept = [await asyncio.open_connection("127.0.0.1", it.port) for _ in range(routes.PER_PLACE)]
        assert await said(it) == b"", "one more is closed as it comes"
        _, writer = kept.pop()
        writer.close()
        await writer.wait_closed()
        async with asyncio.timeout(ENOUGH):
            while True:
                try:
                    answer = await it.post(PUSH)
                    break
                except OSError:
                    continue
        assert answer.status == 202
        for _, writer in kept:
            writer.close()


async def test_what_is_no_http_is_told_to_the_log_seldom(tmp_path: Path) -> None:
    async with listening(tmp_path) as it:
        with capture_logs() as logs:
            for _ in range(10):
                assert refused(await said(it, b"POST / HTTP/1.1\r\nno header\r\n\r\n"))
        assert [line["count"] for line in logs] == [1, 2, 4, 8]
        assert {line["event"] for line in logs} == {"inbound.not_http"}
