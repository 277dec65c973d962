"""What every outbox engine promises, last part: whatever is done in whatever order, the books balance.

Law: as in test_outbox.py. Walks are seeded, so a failure comes again; the invariants are asked of the port alone.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from engines import HOLD, SECOND, Bench, every_engine

from sidecar.model import Accepted, Claim, Dead, Delivered, Query, RetryAt, Verdict

bench = every_engine

ENDPOINTS = ("x", "y", "z")
SUBJECTS = ("s0", "s1", "s2", "s3")
STEPS = 120
ALL = Query(limit=100_000)


class Walk:
    """A drunkard at the port: what it holds in flight, and what must hold whatever it does."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench = bench
        self.dice = random.Random(seed)
        self.flight: dict[int, Claim] = {}
        self.accepted: set[int] = set()
        self.names = 0

    async def step(self) -> None:
        steps: list[Callable[[], Awaitable[None]]] = [
            *[self.add] * 5,
            *[self.claim] * 5,
            *[self.settle] * 8,
            self.abandon,
            self.release,
            self.resend,
            self.expire,
            self.prune,
            self.crash,
        ]
        await self.dice.choice(steps)()
        self.bench.later(self.dice.randrange(HOLD // 4), flowing=self.dice.random() < 0.8)

    async def add(self) -> None:
        postings = []
        for _ in range(self.dice.randint(1, 3)):
            self.names += 1
            wanted = [name for name in ENDPOINTS if self.dice.random() < 0.6]
            name = f"e{self.names if self.dice.random() < 0.9 else self.dice.randint(1, self.names)}"
            postings.append(self.bench.posting(name, *wanted, subject=self.dice.choice(SUBJECTS)))
        for answer in await self.bench.outbox.add(postings):
            assert isinstance(answer, Accepted)
            self.accepted |= {owed.id for owed in answer.deliveries}

    async def claim(self) -> None:
        endpoint = self.dice.choice(ENDPOINTS)
        claims = await self.bench.claim(self.dice.randint(1, 4), endpoint)
        for claim in claims:
            assert claim.endpoint == endpoint
            assert claim.delivery not in self.flight
            assert claim.number == len(await self.bench.outbox.attempts(claim.delivery)) + 1
            self.flight[claim.delivery] = claim
        busy = Counter((claim.endpoint, claim.event.subject) for claim in self.flight.values())
        assert max(busy.values(), default=0) <= 1, "two of a subject at once"

    async def settle(self) -> None:
        if not self.flight:
            return
        claim = self.flight.pop(self.dice.choice(list(self.flight)))
        due = self.bench.now + self.dice.randrange(HOLD)
        verdicts: list[Verdict] = [Delivered(), Dead("refused"), RetryAt(due), RetryAt(due, counted=False)]
        await self.bench.settle(claim, self.dice.choice(verdicts), fault=self.dice.random() < 0.5)

    async def abandon(self) -> None:
        given_back = self.dice.sample(list(self.flight), len(self.flight) // 2)
        await self.bench.outbox.abandon(given_back)
        for number in given_back:
            del self.flight[number]

    async def release(self) -> None:
        await self.bench.outbox.release(self.dice.choice(ENDPOINTS), self.bench.now, self.dice.randint(1, 5))

    async def resend(self) -> None:
        number = self.dice.choice([*self.accepted, 10**9])
        known = await self.bench.outbox.delivery(number) is not None
        assert await self.bench.outbox.resend(number, self.bench.now) is (known and number not in self.flight)

    async def expire(self) -> None:
        before = self.bench.now - 20 * HOLD
        ended = await self.bench.outbox.expire(self.dice.choice(ENDPOINTS), before, self.bench.now, 5)
        assert not set(ended) & set(self.flight)

    async def prune(self) -> None:
        await self.bench.outbox.prune(self.bench.now - 15 * HOLD, 3)

    async def crash(self) -> None:
        await self.bench.crash()
        self.flight = {}

    async def check(self) -> None:
        """The counters are what the log shows, and what was forgotten was finished."""
        rows = await self.bench.outbox.deliveries(ALL)
        shown = Counter((row.endpoint, row.state) for row in rows)
        for name, counts in (await self.bench.outbox.counts()).items():
            assert counts.pending == shown[name, "pending"]
            assert (counts.delivered, counts.dead) == (shown[name, "delivered"], shown[name, "dead"])
            assert (counts.oldest != 0) is (counts.pending != 0)
        assert {row.id for row in rows} <= self.accepted
        assert set(self.flight) <= {row.id for row in rows if row.state == "pending"}

    async def home(self) -> None:
        """Let everything come home: nothing is stuck for ever."""
        for claim in self.flight.values():
            await self.bench.settle(claim, Delivered())
        self.flight = {}
        for name in ENDPOINTS:
            for _ in range(1000):
                self.bench.later(HOLD)
                if not (claims := await self.bench.claim(endpoint=name)):
                    break
                for claim in claims:
                    await self.bench.settle(claim, Delivered())
        assert await self.bench.listed(Query(state="pending")) == []


@pytest.mark.parametrize("seed", range(4))
async def test_the_books_balance_whatever_happens(bench: Bench, seed: int) -> None:
    """Counters, log and claims agree at every step, over crashes too; and in the end all that was owed comes home."""
    walk = Walk(bench, seed)
    for _ in range(STEPS):
        await walk.step()
        await walk.check()
    await walk.home()
    await walk.check()


async def test_a_subject_left_to_itself_comes_in_order(bench: Bench) -> None:
    """Many subjects, crashes and retries within the hold: each endpoint sees each subject in the order accepted."""
    dice = random.Random(7)
    for number in range(60):
        await bench.add(f"e{number}", *ENDPOINTS, subject=dice.choice(SUBJECTS))
    seen: dict[tuple[str, str], list[int]] = {}
    for turn in range(1000):
        claims = [claim for name in ENDPOINTS for claim in await bench.claim(2, name)]
        for claim in claims:
            if dice.random() < 0.5:
                await bench.settle(claim, RetryAt(bench.now + SECOND))
            else:
                await bench.settle(claim, Delivered())
                seen.setdefault((claim.endpoint, claim.event.subject), []).append(claim.delivery)
        if turn % 20 == 0:
            await bench.crash()
        if not await bench.listed(Query(state="pending")):
            break
        bench.later(SECOND)
    assert sum(map(len, seen.values())) == 60 * len(ENDPOINTS)
    assert all(numbers == sorted(numbers) for numbers in seen.values())
