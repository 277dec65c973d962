"""The way to an endpoint: names, blocked networks, proxies, what the machine lacks.

Law: no name is asked for outside; the address connected to is what counts.
"""

import asyncio
import os
import resource
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from typing import Any

import pytest
import trustme
from receivers import (
    REQUEST,
    Info,
    Receiver,
    Wire,
    at,
    connected,
    ok,
    proxying,
    receiving,
    sender,
    sent,
    status,
    unused_port,
)

from sidecar.model import Endpoint, Response, Unreachable
from sidecar.transport import HttpTransport
from sidecar.transport.names import Names

DELIVERED = Response(200, b"thanks")
PRIVATE = [ip_network("10.0.0.0/8"), ip_network("127.0.0.0/8"), ip_network("fd00::/8")]


# --- names -----------------------------------------------------------------------------------------------------------


async def test_a_name_leads_to_its_address() -> None:
    async with receiving(ok) as receiver:
        assert await sent(receiver.url(host="hooks.example"), lookup=at("127.0.0.1")) == DELIVERED
    assert receiver.received[0].headers["host"] == f"hooks.example:{receiver.port}"


async def test_the_next_address_is_tried_where_one_refuses() -> None:
    async with receiving(ok) as receiver:
        assert await sent(receiver.url(host="hooks.example"), lookup=at("127.0.0.2", "127.0.0.1")) == DELIVERED


async def test_an_unknown_name() -> None:
    outcome = await sent("http://hooks.example/?token=hidden", lookup=at())
    assert outcome == Unreachable("dns", "hooks.example cannot be resolved: name or service not known")


@pytest.mark.parametrize("host", ["a..example", "x" * 64 + ".example", "127.1", "2130706433"])
async def test_what_is_no_name_is_a_value_too(host: str) -> None:
    outcome = await sent(f"http://{host}/")
    assert isinstance(outcome, Unreachable)
    assert outcome.reason == "dns"


async def test_a_changed_address_is_followed() -> None:
    addresses = ["127.0.0.2"]

    def lookup(host: str, port: int, **options: Any) -> list[Info]:
        return at(*addresses)(host, port, **options)

    async with receiving(ok) as receiver, sender(receiver.url(host="hooks.example"), lookup=lookup) as send:
        outcome = await send()
        assert isinstance(outcome, Unreachable)
        assert outcome.reason == "refused"
        addresses[:] = ["127.0.0.1"]
        assert await send() == DELIVERED


async def test_a_name_is_asked_for_once_however_many_want_it() -> None:
    asked: list[str] = []
    gate, begun, loop = threading.Event(), asyncio.Event(), asyncio.get_running_loop()

    def lookup(host: str, port: int, **options: Any) -> list[Info]:
        asked.append(host)
        loop.call_soon_threadsafe(begun.set)
        gate.wait(10)
        return at("127.0.0.1")(host, port, **options)

    async with receiving(ok) as receiver, sender(receiver.url(host="hooks.example"), lookup=lookup) as send:
        attempts = [asyncio.ensure_future(send()) for _ in range(5)]
        await begun.wait()
        attempts.pop(0).cancel()
        gate.set()
        assert await asyncio.gather(*attempts) == [DELIVERED] * 4
    assert asked == ["hooks.example"]


async def test_an_answer_is_kept_for_a_while() -> None:
    asked = []

    def lookup(host: str, port: int, **options: Any) -> list[Info]:
        asked.append(host)
        return at("127.0.0.1")(host, port, **options)

    names = Names(lookup)
    assert await names.resolve("hooks.example", 80) == await names.resolve("hooks.example", 80)
    assert asked == ["hooks.example"]
    await names.close()


async def test_names_that_never_resolve_hold_up_nobody_else() -> None:
    never = threading.Event()

    def lookup(host: str, port: int, **options: Any) -> list[Info]:
        if host.startswith("slow"):
            never.wait(10)
        return at("127.0.0.1")(host, port, **options)

    async with receiving(ok) as receiver:
        slow = [Endpoint(f"slow-{n}", "drone", f"http://slow-{n}.example/") for n in range(50)]
        fast = Endpoint("fast", "drone", receiver.url(host="fast.example"))
        transport = HttpTransport(endpoints=[*slow, fast], blocked=(), proxy_for=lambda _: None, resolver=Names(lookup))
        attempts = [asyncio.ensure_future(transport.send(endpoint, REQUEST)) for endpoint in slow]
        assert await transport.send(fast, REQUEST) == DELIVERED
        assert not any(attempt.done() for attempt in attempts)
        for attempt in attempts:
            attempt.cancel()
        await asyncio.gather(*attempts, return_exceptions=True)
        await transport.close()
    never.set()


# --- blocked networks ------------------------------------------------------------------------------------------------

EVASIONS = {
    "http://127.0.0.1/": "127.0.0.1",
    "http://0.0.0.0/": "0.0.0.0",
    "http://[::ffff:127.0.0.1]/": "::ffff:127.0.0.1",
    "http://[64:ff9b::10.1.2.3]/": "64:ff9b::10.1.2.3",
    "http://[2002:0a01:0203::1]/": "2002:0a01:0203::1",
    "https://[fd00:ec2::254]/": "fd00:ec2::254",
    "http://0x7f.1/": "127.0.0.1",
}


@pytest.mark.parametrize(("url", "address"), EVASIONS.items())
async def test_a_blocked_network_is_not_reached_however_the_address_is_written(url: str, address: str) -> None:
    outcome = await sent(url, blocked=PRIVATE)
    assert isinstance(outcome, Unreachable)
    assert outcome.reason == "blocked"
    assert f"is at {address}, in " in outcome.detail
    assert "SIDECAR_BLOCKED_NETWORKS" in outcome.detail


async def test_nor_by_a_name() -> None:
    async with receiving(ok) as receiver:
        outcome = await sent(receiver.url(host="hooks.example"), blocked=PRIVATE, lookup=at("127.0.0.1", "fd00::1"))
    assert isinstance(outcome, Unreachable)
    assert outcome.reason == "blocked"
    assert receiver.connections == 0


async def test_what_is_not_blocked_is_reached() -> None:
    async with receiving(ok) as receiver:
        other = [ip_network("10.0.0.0/8"), ip_network("::/0")]
        assert await sent(receiver.url(host="hooks.example"), blocked=other, lookup=at("::1", "127.0.0.1")) == DELIVERED


# --- proxies ---------------------------------------------------------------------------------------------------------


async def test_a_plain_url_goes_through_the_proxy_with_its_credentials() -> None:
    async with receiving(ok) as receiver, proxying() as proxy:
        url = receiver.url("/hook?x=%7E", host="hooks.example")
        assert await sent(url, proxy=proxy.url(user="user:p%40ss@")) == DELIVERED
    [seen] = proxy.received
    assert seen.line == f"POST {url} HTTP/1.1"
    assert seen.headers["proxy-authorization"] == "Basic dXNlcjpwQHNz"
    assert receiver.received[0].body == REQUEST.body


async def test_tls_goes_through_a_tunnel_and_the_proxy_sees_nothing_of_it() -> None:
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("hooks.example").configure_cert(context)
    async with receiving(ok, tls=context) as receiver, proxying() as proxy:
        url = receiver.url(host="hooks.example")
        async with sender(url, proxy=proxy.url(user="user:pass@"), skip_verify=True) as send:
            assert [await send(), await send()] == [DELIVERED] * 2
    [seen] = proxy.received
    assert seen.line == f"CONNECT hooks.example:{receiver.port} HTTP/1.1"
    assert seen.headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"
    assert "x-drone-event" not in seen.headers
    assert "proxy-authorization" not in receiver.received[0].headers


@pytest.mark.parametrize("url", ["http://hooks.example/?token=hidden", "https://hooks.example/?token=hidden"])
async def test_a_dead_proxy_is_told_from_a_dead_endpoint(url: str) -> None:
    outcome = await sent(url, proxy=f"http://user:hidden@127.0.0.1:{(port := unused_port())}")
    cure = "see HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
    assert outcome == Unreachable("proxy", f"the proxy 127.0.0.1:{port} cannot be reached; {cure}")


async def test_a_proxy_without_an_address() -> None:
    outcome = await sent("https://hooks.example/", proxy="http://proxy.example:3128", lookup=at())
    assert isinstance(outcome, Unreachable)
    assert (outcome.reason, outcome.detail.partition(";")[0]) == (
        "proxy",
        "the proxy proxy.example:3128 cannot be reached",
    )


async def test_a_proxy_that_wants_credentials() -> None:
    async def serve(receiver: Receiver, wire: Wire) -> None:
        await wire.request()
        await wire.say(status("407 Proxy Authentication Required"))

    async with connected(serve) as proxy:
        outcome = await sent("https://hooks.example/", proxy=proxy.url())
    words = "answered 407 when asked for hooks.example:443; put user and password into its URL"
    assert outcome == Unreachable("proxy", f"the proxy 127.0.0.1:{proxy.port} {words}")


async def test_behind_a_proxy_too_a_blocked_network_is_not_asked_for() -> None:
    async with receiving(ok) as receiver, proxying() as proxy:
        for host, lookup in {"10.0.0.1": None, "hooks.example": at("192.0.2.1", "10.0.0.1")}.items():
            outcome = await sent(receiver.url(host=host), proxy=proxy.url(), blocked=PRIVATE[:1], lookup=lookup)
            assert isinstance(outcome, Unreachable)
            assert outcome.reason == "blocked"
    assert proxy.received == []


async def test_the_proxy_itself_may_stand_in_a_blocked_network_and_know_names_we_do_not() -> None:
    async with receiving(ok) as receiver, proxying() as proxy:
        url = receiver.url(host="hooks.example")
        assert await sent(url, proxy=proxy.url(), blocked=PRIVATE, lookup=at()) == DELIVERED


# --- what the machine lacks ------------------------------------------------------------------------------------------


@contextmanager
def no_descriptors() -> Iterator[None]:
    """No file can be opened any more, and no socket."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
    try:
        while True:
            try:
                taken.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                break
        yield
    finally:
        for number in taken:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_out_of_file_descriptors_is_our_fault_not_the_endpoints() -> None:
    async with sender("http://127.0.0.1:9/") as send:
        with no_descriptors():
            outcome = await send()
    assert isinstance(outcome, Unreachable)
    assert outcome.reason == "resources"
    assert "ulimit -n" in outcome.detail
