"""What comes on an idle connection answers nothing. Law: a real connection; RFC 9112, 9.2."""

import asyncio

from sidecar.model import Endpoint, Request, Response, Secret
from sidecar.transport import HttpTransport

NO_CONTENT, STRAY = b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


async def test_a_second_answer_to_one_request_is_not_taken_for_the_answer_to_the_next() -> None:
    read: list[int] = []

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2)
        read.append(1)
        writer.write(NO_CONTENT + (STRAY if len(read) == 1 else b""))
        await reader.read()
        writer.close()

    async with await asyncio.start_server(receive, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        endpoint = Endpoint("one", "drone", f"http://127.0.0.1:{port}/", (Secret(b"s"),), timeout=2_000)
        transport = HttpTransport(endpoints=[endpoint], blocked=[], proxy_for=lambda _: None)
        answers = [await transport.send(endpoint, Request((), b"{}")) for _ in range(2)]
        await transport.close()
    assert [answer.status for answer in answers if isinstance(answer, Response)] == [204, 204]
    assert len(read) == 2
