"""Listening on TCP, as strangers and operators meet it. Law: real sockets, on loopback."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from sidecar import tcpsocket
from sidecar.errors import Occupied

GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


def listen(host: str, port: int = 0) -> tuple[socket.socket, ...]:
    return tcpsocket.listen(host, port, setting="SIDECAR_LISTEN")


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@asynccontextmanager
async def serving(host: str = "127.0.0.1", **bounds: float) -> AsyncIterator[int]:
    """A server that says hello; its port."""

    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    listeners = listen(host)
    async with tcpsocket.serving(app, listeners, logger=logging.getLogger("test"), patience=0.1, **bounds):  # type: ignore[arg-type]  # floats are given for floats, ints for ints
        yield listeners[0].getsockname()[1]


async def ask(port: int, host: str = "127.0.0.1", request: bytes = GET) -> bytes:
    """All that comes until it is closed, or the answer."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request)
        return await reader.read(15)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_port_0_takes_any_free_one_and_it_is_served() -> None:
    async with serving() as port:
        assert await ask(port) == b"HTTP/1.1 200 OK"


@pytest.mark.skipif(not has_ipv6(), reason="there is no IPv6 here")
async def test_ipv6_is_served_and_the_wildcard_takes_ipv4_too() -> None:
    async with serving("::1") as port:
        assert await ask(port, "::1") == b"HTTP/1.1 200 OK"
    async with serving("::") as port:
        assert await ask(port, "::1") == await ask(port, "127.0.0.1") == b"HTTP/1.1 200 OK"


async def test_a_name_listens_at_each_of_its_addresses_on_one_port() -> None:
    listeners = listen("localhost")
    assert len({one.getsockname()[1] for one in listeners}) == 1
    for one in listeners:
        one.close()


def test_a_taken_port_says_so_with_the_setting_and_the_way_out() -> None:
    [taken] = listen("127.0.0.1")
    port = taken.getsockname()[1]
    with taken, pytest.raises(Occupied) as refused:
        listen("127.0.0.1", port)
    assert str(refused.value) == (
        f"SIDECAR_LISTEN: another process listens on 127.0.0.1:{port}: stop it, "
        "or set SIDECAR_LISTEN to another address, or to off"
    )


def test_a_port_is_free_again_as_soon_as_its_listener_is_closed() -> None:
    [first] = listen("127.0.0.1")
    port = first.getsockname()[1]
    first.close()
    [again] = listen("127.0.0.1", port)
    again.close()


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("192.0.2.1", "192.0.2.1:8484 is no address of this machine"),
        ("2001:db8::1", r"\[2001:db8::1\]:8484 is no address of this machine"),
        ("no-such-host.invalid", "'no-such-host.invalid' is no host that is known here"),
    ],
)
def test_what_cannot_be_bound_names_the_setting(host: str, why: str) -> None:
    with pytest.raises(OSError, match=f"SIDECAR_LISTEN: {why}"):
        listen(host, 8484)


async def test_who_asks_for_nothing_is_not_kept() -> None:
    async with serving(first_request=0.05) as port:
        for begun in (b"", b"GET / HTTP/1.1\r\nHost:"):
            assert await ask(port, request=begun) == b""


async def test_who_has_asked_may_ask_again_later() -> None:
    async with serving(first_request=0.05) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(GET)
            assert await reader.readuntil(b"hello")
            assert await ask(port, request=b"") == b""  # by when the time for a first request is over
        writer.close()


async def test_one_connection_too_many_is_closed_and_the_others_are_served() -> None:
    async with serving(connections=2) as port:
        kept = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, writer in kept:
            writer.write(GET)
            await reader.readuntil(b"hello")
        assert await ask(port) == b""
        for reader, writer in kept:
            writer.write(GET)
            await reader.readuntil(b"hello")
            writer.close()


async def test_let_in_one_after_another_all_that_come_are_served() -> None:
    async with serving(pause=0.001) as port:
        assert set(await asyncio.gather(*(ask(port) for _ in range(20)))) == {b"HTTP/1.1 200 OK"}
