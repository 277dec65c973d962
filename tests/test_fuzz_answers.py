"""Whatever a receiver answers: it becomes a value, in time, and a verdict.

Law: the real transport and a real receiver that says what it is told, in pieces, and then closes, resets or falls
silent.
"""

from fuzz_rig import FUZZ, SPOILS, long, metered, spoilt
from hypothesis import given
from hypothesis import strategies as st
from receivers import REQUEST, Receiver, Wire, connected

from sidecar.model import Dead, Delivered, Endpoint, Outcome, Response, RetryAt, Unreachable
from sidecar.retry import judge, told_to_wait
from sidecar.transport import REASONS, HttpTransport

TIMEOUT = 300
"""ms for an answer."""

line = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 204 No Content\r\n",
        b"HTTP/1.0 503 Busy\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n",
        b"HTTP/1.1 999 \r\n",
        b"HTTP/1.1 200\r\n",
        b"HTTP/2 200\r\n",
        b"ICY 200 OK\r\n",
        b"\r\n",
        b"",
    ]
)
field = st.sampled_from(
    [
        b"Content-Length: 5\r\n",
        b"Content-Length: 0\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Content-Encoding: br\r\n",
        b"Connection: close\r\n",
        b"Connection: keep-alive\r\n",
        b"Retry-After: 7\r\n",
        b"Retry-After: \xff\r\n",
        b"Set-Cookie: a=b; Domain=\r\n",
        b"Location: //\r\n",
        b" folded: yes\r\n",
        b"X: " + b"y" * 9000 + b"\r\n",
        b"no colon\r\n",
    ]
)
content = st.sampled_from(
    [
        b"",
        b"hello",
        b"5\r\nhello\r\n0\r\n\r\n",
        b"ffffffffffffffffff\r\nx",
        b"5;ext\r\nhello\r\n0\r\nT: 1\r\n\r\n",
        b"-5\r\n",
    ]
)
answer = st.tuples(line, st.lists(field, max_size=3), content, SPOILS).map(
    lambda four: spoilt(four[0] + b"".join(four[1]) + b"\r\n" + four[2], four[3])
)
ends = st.sampled_from(["close"] * 40 + ["reset"] * 20 + ["keep"] * 39 + ["hang"])


class Teller:
    """The receiver: what it says next, and what it does then."""

    raw = b""
    cuts: tuple[int, ...] = ()
    end = "close"

    async def serve(self, _: Receiver, wire: Wire) -> None:
        while await wire.request() is not None:
            raw, start = self.raw, 0
            for cut in sorted(one % (len(raw) + 1) for one in self.cuts):
                await wire.say(raw[start:cut])
                start = cut
            await wire.say(raw[start:])
            if await self.ended(wire):
                return

    async def ended(self, wire: Wire) -> bool:
        match self.end:
            case "keep" if b"Content-Length: 0\r\n" in self.raw or b" 204 " in self.raw:
                return False
            case "hang":
                await wire.hang()
            case "reset":
                wire.reset()
            case _:
                wire.writer.close()
        return True


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
    delivered = isinstance(outcome, Response) and outcome.status < 300
    assert isinstance(verdict, Delivered) is delivered, "delivered is what was answered 2xx, whole"


@long
def test_any_answer_of_a_receiver_is_a_value_in_time() -> None:
    teller = Teller()
    with metered("a receiver's answer") as meter:
        receiver = connected(teller.serve)
        there = meter.runner.run(receiver.__aenter__())
        endpoint = Endpoint("hooks", "drone", there.url(), timeout=TIMEOUT)

        async def sender() -> HttpTransport:
            return HttpTransport(endpoints=[endpoint], blocked=(), proxy_for=lambda _: "")

        transport = meter.runner.run(sender())

        @FUZZ
        @given(answer | st.binary(max_size=80), st.lists(st.integers(0, 500), max_size=3), ends)
        def one(raw: bytes, cuts: list[int], end: str) -> None:
            teller.raw, teller.cuts, teller.end = raw, tuple(cuts), end
            check(meter.run(transport.send(endpoint, REQUEST)))

        one()
        meter.runner.run(transport.close())
        meter.runner.run(receiver.__aexit__(None, None, None))
