"""Where the time of one delivery goes: each part of its road alone, in microseconds.

Law: one thread, nothing else under way, the best of many rounds: what a part costs at least. Together they cost more,
because two threads share the interpreter's lock.
"""

import asyncio
import io
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import load
import uvloop
from road import CONCURRENCY, HERE, Peer, peer

from sidecar import breaker, dice, logs, retry
from sidecar.dialects import drone
from sidecar.dispatcher.account import tell
from sidecar.model import (
    Attempt,
    Claim,
    Delivered,
    Endpoint,
    Event,
    Health,
    Instance,
    Posting,
    Request,
    Response,
    Secret,
    Settlement,
)
from sidecar.outboxes.sqlite.adding import add
from sidecar.outboxes.sqlite.claiming import claim
from sidecar.outboxes.sqlite.files import open_writer
from sidecar.outboxes.sqlite.settling import settle
from sidecar.outboxes.sqlite.store import Store
from sidecar.transport import HttpTransport

NOW = 1_800_000_000_000
ROUNDS = 150
INSTANCE = Instance(version="bench")
LINES = 64
"""Events of one commit, NDJSON in."""


def endpoint(port: int) -> Endpoint:
    secret = Secret(b"0123456789abcdef0123456789abcdef")
    return Endpoint("hook", "drone", f"http://127.0.0.1:{port}/hook", (secret,))


def event(number: int) -> Event:
    return drone.read(load.event(number), id=dice.new_id(NOW), now=NOW, instance=INSTANCE)


def request(of: Event) -> Request:
    return drone.write(of, endpoint(1), delivery=7, attempt=1, now=NOW, instance=INSTANCE)


def settlement(of: Claim) -> Settlement:
    return Settlement(of, Attempt(1, NOW, 2500, Response(204)), Delivered(), NOW, 1)


def best(work: Callable[[], object], count: int = 200) -> float:
    """Microseconds of one call, in the quickest of the rounds."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(count):
            work()
        times.append((time.perf_counter() - began) / count)
    return min(times) * 1e6


def pure() -> Iterator[tuple[str, float]]:
    """What the event loop's thread does beside sending."""
    raw, one, health = load.event(1), event(1), Health()
    ended = settlement(Claim(7, "hook", one, 1, 0, 0))
    outcome = ended.attempt.outcome
    yield "read and check the event", best(lambda: drone.read(raw, id="x", now=NOW, instance=INSTANCE))
    yield "make the request, sign it twice", best(lambda: request(one))

    def judge() -> None:
        breaker.after(health, retry.sign(outcome), now=NOW, limit=CONCURRENCY)
        retry.judge(outcome, tries=0, schedule=(1,), now=NOW, random=0.5)

    yield "judge the answer", best(judge)
    logs.configure("json", "info")
    with redirect_stdout(io.TextIOWrapper(io.BytesIO())):
        line = best(lambda: tell(ended))
    yield "a line of the log", line


async def sending(port: int) -> float:
    """CPU of one POST and its answer, `CONCURRENCY` at once."""
    hook, what, count = endpoint(port), request(event(1)), 20
    transport = HttpTransport(endpoints=[hook], blocked=(), proxy_for=lambda _: None)

    async def some() -> None:
        for _ in range(count):
            await transport.send(hook, what)

    times = []
    for _ in range(30):
        began = time.thread_time()
        await asyncio.gather(*[some() for _ in range(CONCURRENCY)])
        times.append((time.thread_time() - began) / count / CONCURRENCY)
    await transport.close()
    return min(times) * 1e6


class Engine:
    """The engine on one thread; `times` by part, in microseconds an event."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(open_writer(folder, ""), 600_000, "subject", 2**40)
        self.store.load()
        self.times: dict[str, list[float]] = defaultdict(list)
        self._number = 0

    @contextmanager
    def part(self, name: str, count: int) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.times[name].append((time.perf_counter() - began) / count * 1e6)

    def take_in(self) -> None:
        postings = [Posting(event(self._number + n), ("hook",), new=True) for n in range(LINES)]
        self._number += LINES
        with self.part("make rows of it, and of what it owes", LINES):
            add(self.store, [postings])
        with self.part("write those: one statement, one fsync", LINES):
            self.store.save(NOW)

    def hand_out(self, flying: list[Claim]) -> list[Claim]:
        with self.part("make a row of the verdict", CONCURRENCY):
            settle(self.store, [settlement(one) for one in flying])
        with self.part("write that, and what follows from it", CONCURRENCY):
            self.store.save(NOW)
        with self.part("take the next", CONCURRENCY):
            claims = claim(self.store, "hook", CONCURRENCY, NOW, 1).claims
        return list(claims)


def storing() -> Iterator[tuple[str, float]]:
    """What the writer's thread does."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        engine, flying = Engine(Path(folder)), list[Claim]()
        for _ in range(ROUNDS):
            engine.take_in()
            for _ in range(LINES // CONCURRENCY):
                flying = engine.hand_out(flying)
            engine.store.db.wal_checkpoint()
        engine.store.db.close()
    for name, times in engine.times.items():
        yield name, min(times[len(times) // 10 :])


def told(title: str, parts: Iterator[tuple[str, float]]) -> None:
    print(title)
    whole = 0.0
    for name, spent in parts:
        whole += spent
        print(f"  {name:34} {spent:6.1f} µs")
    print(f"  {'':34} {whole:6.1f} µs")


def on_the_loop(receiver: Peer) -> Iterator[tuple[str, float]]:
    yield from pure()
    yield "send it, hear the answer", uvloop.run(sending(int(receiver.hear())))


def main() -> None:
    print(
        f"one delivery of a {load.SIZE} B event, part by part, the best of many rounds, Python {sys.version.split()[0]}"
    )
    with peer(str(HERE / "receiver.py")) as receiver:
        told("on the event loop's thread", on_the_loop(receiver))
    told(f"on the writer's thread, {LINES} events or {CONCURRENCY} verdicts a commit", storing())


if __name__ == "__main__":
    main()
