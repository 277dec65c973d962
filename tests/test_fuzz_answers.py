"""Whatever a receiver answers: it becomes a value, in time, and a verdict.

Law: the real transport and a real receiver that says what it is told, in pieces, and then closes, resets, waits for
more or falls silent.
"""

import asyncio

from fuzz_rig import Dice, cut, fuzz, long, spoilt
from receivers import REQUEST, Receiver, Wire, connected

from sidecar.model import Dead, Delivered, Endpoint, Outcome, Response, RetryAt, Unreachable
from sidecar.retry import judge, told_to_wait
from sidecar.transport import REASONS, HttpTransport

TIMEOUT = 500
"""ms for an answer."""

LINES = (
    *(b"HTTP/1.1 200 OK", b"HTTP/1.1 204 No Content", b"HTTP/1.0 503 Busy", b"HTTP/1.1 429 ", b"HTTP/1.1 999 "),
    *(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK", b"HTTP/1.1 101 Switching Protocols", b"HTTP/1.1 200"),
    *(b"HTTP/2 200", b"ICY 200 OK", b"", b"HTTP/1.1 302 Found"),
)
FIELDS = (
    *(b"Content-Length: 5", b"Content-Length: 0", b"Content-Length: -1", b"Content-Length: 99999999999999999999"),
    *(b"Content-Length: 5, 5", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked"),
    *(b"Content-Encoding: gzip", b"Content-Encoding: br", b"Connection: close", b"Connection: keep-alive"),
    *(b"Retry-After: 7", b"Retry-After: \xff", b"Set-Cookie: a=b; Domain=", b"Location: //", b" folded: yes"),
    *(b"X: " + b"y" * 9000, b"no colon", b"Content-Type: text/plain; charset=\xff"),
)
BODIES = (
    *(b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffffff\r\nx", b"-5\r\n", bytes(40_000)),
    *(b"5;ext\r\nhello\r\n0\r\nT: 1\r\n\r\n", b"\x1f\x8b\x08\x00garbage"),
)
ENDS = ("close",) * 100 + ("reset",) * 60 + ("keep",) * 60 + ("hang",)


def answer(dice: Dice) -> bytes:
    if dice.random() < 0.1:
        return dice.randbytes(dice.randrange(80))
    head = [dice.choice(LINES), *(dice.choice(FIELDS) for _ in range(dice.randrange(4)))]
    return spoilt(dice, b"\r\n".join(head) + b"\r\n\r\n" + dice.choice(BODIES))


class Teller:
    """The receiver: what it says next, and what it does then."""

    pieces: tuple[bytes, ...] = ()
    end = "close"

    async def serve(self, _: Receiver, wire: Wire) -> None:
        while await wire.request() is not None:
            await wire.say(*self.pieces)
            match self.end:
                case "keep":
                    continue
                case "hang":
                    await wire.hang()
                case "reset":
                    wire.reset()
            wire.writer.close()
            return


def check(outcome: Outcome) -> None:
    """A value that can be judged, and told."""
    if isinstance(outcome, Unreachable):
        assert outcome.reason in REASONS
        assert outcome.detail.isprintable(), outcome.detail
    else:
        assert isinstance(outcome, Response)
        assert 200 <= outcome.status <= 999
    assert len(outcome.answer) <= 2048
    assert told_to_wait(outcome, wall=0) >= 0
    verdict = judge(outcome, tries=0, schedule=(1000,), now=0, random=0.5)
    assert isinstance(verdict, Delivered | RetryAt | Dead)
    assert isinstance(verdict, Delivered) is (isinstance(outcome, Response) and outcome.status < 300)


@long
def test_any_answer_of_a_receiver_is_a_value_in_time() -> None:
    teller = Teller()
    with asyncio.Runner() as runner:
        receiver = connected(teller.serve)
        there = runner.run(receiver.__aenter__())
        endpoint = Endpoint("hooks", "drone", there.url(), timeout=TIMEOUT)

        async def sender() -> HttpTransport:
            return HttpTransport(endpoints=[endpoint], blocked=(), proxy_for=lambda _: "")

        transport = runner.run(sender())

        async def one(dice: Dice) -> None:
            raw = answer(dice)
            teller.pieces, teller.end = tuple(cut(dice, raw)), dice.choice(ENDS)
            if teller.end == "keep" and b"Content-Length: 0\r\n" not in raw and b" 204 " not in raw:
                teller.end = "close"  # it would be waited for, in vain
            check(await transport.send(endpoint, REQUEST))

        fuzz("a receiver's answer", one, runner)
        runner.run(transport.close())
        runner.run(receiver.__aexit__(None, None, None))
