"""One POST, and what becomes of it. Law: whatever a receiver does, the attempt ends in its time, as a value."""

import asyncio
import gzip

import pytest
from receivers import (
    REQUEST,
    Behaviour,
    answers,
    answers_first,
    never_ends,
    ok,
    receiving,
    says_then_closes,
    says_then_hangs,
    says_then_resets,
    sender,
    sent,
    status,
    unused_port,
)

from sidecar.model import Endpoint, Request, Response, Unreachable
from sidecar.transport import REASONS, HttpTransport

SHORT = 200
OK = b"HTTP/1.1 200 OK\r\n"
BOMB = gzip.compress(bytes(30_000_000))

WHOLE: dict[str, tuple[Behaviour, int, bytes]] = {
    "200": (ok, 200, b"thanks"),
    "204": (answers(b"HTTP/1.1 204 No Content\r\n\r\n"), 204, b""),
    "301 to another host": (answers(status("301 Moved", b"", "Location: http://other.invalid/")), 301, b""),
    "404": (answers(status("404 Not Found", b"what?")), 404, b"what?"),
    "599": (answers(status("599 Odd")), 599, b""),
    "999": (answers(status("999 Odd")), 999, b""),
    "no phrase": (answers(status("200")), 200, b""),
    "HTTP/1.0, until the connection is closed": (says_then_closes(b"HTTP/1.0 200 OK\r\n\r\nhello"), 200, b"hello"),
    "chunks": (answers(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), 200, b"hello"),
    "100 before it": (answers(b"HTTP/1.1 100 Continue\r\n\r\n" + status("200 OK", b"x")), 200, b"x"),
    "103 before it": (answers(b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n" + status("200 OK", b"x")), 200, b"x"),
    "an offer of HTTP/2": (answers(status("200 OK", b"x", "Connection: Upgrade", "Upgrade: h2c")), 200, b"x"),
    "odd bytes in headers": (answers(status("200 OK", b"x", "X: \xff\xfe", "Set-Cookie: \xff;;=")), 200, b"x"),
    "bare line feeds": (answers(b"HTTP/1.1 200 OK\nContent-Length: 1\n\nx"), 200, b"x"),
    "what claims to be gzip": (answers(status("200 OK", b"no", "Content-Encoding: gzip")), 200, b"no"),
    "a gzip bomb": (answers(status("200 OK", BOMB, "Content-Encoding: gzip")), 200, BOMB[:2048]),
    "20 KiB": (answers(status("200 OK", b"x" * 20_480)), 200, b"x" * 2048),
    "an endless body": (never_ends(OK + b"\r\n", b"x"), 200, b"x" * 2048),
    "an endless body in chunks": (
        never_ends(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        200,
        b"x" * 2048,
    ),
}


@pytest.mark.parametrize(("behaviour", "code", "body"), WHOLE.values(), ids=WHOLE.keys())
async def test_an_answer_is_taken_as_it_is(behaviour: Behaviour, code: int, body: bytes) -> None:
    async with receiving(behaviour) as receiver:
        assert await sent(receiver.url()) == Response(code, body)


LATER = 10_000
BROKEN: dict[str, tuple[Behaviour, str, int, int]] = {
    "silence": (says_then_hangs(b""), "timeout", 0, SHORT),
    "half a head": (says_then_hangs(OK + b"X-Sl"), "timeout", 0, SHORT),
    "half a body": (says_then_hangs(OK + b"Content-Length: 10\r\n\r\nhello"), "timeout", 200, SHORT),
    "one chunk": (says_then_hangs(OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"), "timeout", 200, SHORT),
    "100 for ever": (never_ends(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "protocol", 100, LATER),
    "closed at once": (says_then_closes(b""), "reset", 0, LATER),
    "closed within the head": (says_then_closes(OK + b"X-Cut"), "cut-off", 0, LATER),
    "closed within the body": (says_then_closes(OK + b"Content-Length: 10\r\n\r\nhello"), "cut-off", 200, LATER),
    "closed between chunks": (
        says_then_closes(OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"),
        "cut-off",
        200,
        LATER,
    ),
    "reset at once": (says_then_resets(b""), "reset", 0, LATER),
    "reset within the body": (says_then_resets(OK + b"Content-Length: 10\r\n\r\nhello"), "cut-off", 200, LATER),
    "a header without end": (never_ends(OK + b"X: ", b"y"), "protocol", 0, LATER),
    "headers without end": (never_ends(OK, b"X: y\r\n"), "protocol", 0, LATER),
    "more than Content-Length": (answers(OK + b"Content-Length: 2\r\n\r\nhello"), "protocol", 0, LATER),
    "a negative Content-Length": (answers(OK + b"Content-Length: -5\r\n\r\nhello"), "protocol", 0, LATER),
    "two Content-Lengths": (answers(OK + b"Content-Length: 5\r\nContent-Length: 2\r\n\r\nhello"), "protocol", 0, LATER),
    "no chunks at all": (answers(OK + b"Transfer-Encoding: chunked\r\n\r\nzzz\r\n"), "protocol", 0, LATER),
    "HTTP/0.9": (says_then_closes(b"<html>it works</html>"), "protocol", 0, LATER),
    "garbage": (says_then_closes(bytes(range(256))), "protocol", 0, LATER),
    "another protocol": (answers(b"SSH-2.0-OpenSSH_9.2p1\r\n"), "protocol", 0, LATER),
    "status 99": (answers(status("099 Odd")), "protocol", 99, LATER),
    "status 1000": (answers(status("1000 Odd")), "protocol", 0, LATER),
    "101": (answers(b"HTTP/1.1 101 Moving On\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"), "protocol", 101, LATER),
}


@pytest.mark.parametrize(("behaviour", "reason", "code", "within"), BROKEN.values(), ids=BROKEN.keys())
async def test_what_breaks_is_a_value_and_says_nothing_secret(
    behaviour: Behaviour, reason: str, code: int, within: int
) -> None:
    async with receiving(behaviour) as receiver:
        outcome = await sent(receiver.url("/hook?token=hidden", user="me:hidden@"), within=within)
    assert isinstance(outcome, Unreachable)
    assert (outcome.reason, outcome.status) == (reason, code)
    assert reason in REASONS
    assert len(receiver.received) == 1
    assert f":{receiver.port}" in outcome.detail
    assert "hidden" not in outcome.detail


async def test_what_came_before_it_broke_is_kept() -> None:
    async with receiving(BROKEN["half a body"][0]) as receiver:
        outcome = await sent(receiver.url(), within=SHORT)
    assert outcome == Unreachable(
        "timeout", f"127.0.0.1:{receiver.port} answered 200, but not to the end within 0.2 s", 200, b"hello"
    )


async def test_nobody_listens() -> None:
    outcome = await sent(f"http://127.0.0.1:{(port := unused_port())}/hook")
    assert outcome == Unreachable("refused", f"127.0.0.1:{port} refused the connection: nobody listens there")


async def test_a_redirect_is_not_followed() -> None:
    async with receiving(ok) as other:
        moved = answers(status("307 Temporary Redirect", b"", f"Location: {other.url()}"))
        async with receiving(moved) as receiver:
            assert await sent(receiver.url()) == Response(307)
    assert other.connections == 0


async def test_the_request_goes_out_as_it_was_made() -> None:
    request = Request((*REQUEST.headers, ("Signature", 'keyId="hmac-key"')), REQUEST.body)
    async with receiving(ok) as receiver:
        await sent(receiver.url("/a/../b//c%7e?x=%7E+1&y"), request=request)
    [received] = receiver.received
    assert received.line == "POST /a/../b//c%7e?x=%7E+1&y HTTP/1.1"
    assert received.body == REQUEST.body
    assert received.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "user-agent": "sidecar/test",
        "content-type": "application/json",
        "x-drone-event": "build",
        "signature": 'keyId="hmac-key"',
        "accept": "*/*",
        "accept-encoding": "identity",
        "content-length": str(len(REQUEST.body)),
    }


async def test_nothing_is_made_up_where_the_request_has_no_headers() -> None:
    async with receiving(ok) as receiver:
        await sent(receiver.url(), request=Request((), b""))
    assert set(receiver.received[0].headers) == {"host", "accept", "accept-encoding", "content-length"}


async def test_user_info_becomes_authorization_and_leaves_the_url() -> None:
    async with receiving(ok) as receiver:
        await sent(receiver.url("/hook", user="user:p%40ss@"))
        await sent(receiver.url("/hook", user="user:p%40ss@"), request=Request((("Authorization", "Bearer x"),), b""))
    first, second = receiver.received
    assert first.headers["authorization"] == "Basic dXNlcjpwQHNz"
    assert first.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert second.headers["authorization"] == "Bearer x"


async def test_cookies_are_not_kept() -> None:
    async with receiving(answers(status("200 OK", b"", "Set-Cookie: a=b"))) as receiver, sender(receiver.url()) as send:
        await send()
        await send()
    assert "cookie" not in receiver.received[1].headers


async def test_retry_after_is_kept_as_it_came_but_not_at_any_length() -> None:
    async with receiving(answers(status("503 Busy", b"", "Retry-After: " + "9" * 999))) as receiver:
        assert await sent(receiver.url()) == Response(503, b"", "9" * 64)


@pytest.mark.parametrize("size", [0, 2**20, 2**20 + 1, 5_000_000])
async def test_a_body_of_any_size_arrives_whole(size: int) -> None:
    body = b"x" * size
    async with receiving(ok) as receiver:
        assert await sent(receiver.url(), request=Request(REQUEST.headers, body)) == Response(200, b"thanks")
    assert receiver.received[0].body == body


async def test_a_connection_is_kept_and_used_again() -> None:
    async with receiving(ok) as receiver, sender(receiver.url()) as send:
        assert [await send() for _ in range(3)] == [Response(200, b"thanks")] * 3
    assert len({request.peer for request in receiver.received}) == 1


async def test_a_kept_connection_that_is_closed_in_between_does_no_harm() -> None:
    async with receiving(says_then_closes(status("200 OK"))) as receiver, sender(receiver.url()) as send:
        for _ in range(3):
            assert await send() == Response(200)
            await receiver.one_left()
    assert len(receiver.received) == 3


async def test_a_kept_connection_that_is_closed_under_the_request_is_replaced_within_the_attempt() -> None:
    async with receiving(answers_first(1)) as receiver, sender(receiver.url()) as send:
        assert await send() == Response(200)
        assert await send() == Response(200)
    assert (len(receiver.received), receiver.connections) == (3, 2)


async def test_but_only_once() -> None:
    async with receiving(answers_first(1)) as receiver, sender(receiver.url()) as send:
        await send()
        receiver.behave = says_then_closes(b"")
        outcome = await send()
    assert isinstance(outcome, Unreachable)
    assert (outcome.reason, len(receiver.received)) == ("reset", 3)


async def test_a_cancelled_attempt_hangs_up_and_leaves_the_transport_as_it_was() -> None:
    async with receiving(says_then_hangs(b"")) as receiver, sender(receiver.url(), concurrency=1) as send:
        attempt = asyncio.ensure_future(send())
        await receiver.got_one()
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        await receiver.one_left()
        receiver.behave = ok
        assert await send() == Response(200, b"thanks")


async def test_no_endpoint_takes_the_connections_another_needs() -> None:
    async with receiving(says_then_hangs(b"")) as hanging, receiving(ok) as receiver:
        greedy = Endpoint("greedy", "drone", hanging.url(), timeout=10_000, concurrency=30)
        other = Endpoint("other", "drone", receiver.url(), timeout=10_000, concurrency=10)
        transport = HttpTransport(endpoints=[greedy, other], blocked=(), proxy_for=lambda _: None, total_connections=4)
        attempts = [asyncio.ensure_future(transport.send(greedy, REQUEST)) for _ in range(30)]
        for _ in range(3):
            await hanging.got_one()
        assert await transport.send(other, REQUEST) == Response(200, b"thanks")
        assert hanging.connections == 3
        for attempt in attempts:
            attempt.cancel()
        await asyncio.gather(*attempts, return_exceptions=True)
        await transport.close()
