"""Five endpoints, a caller and the real dispatcher over a real outbox, on a disk and in a time that are made up.

Law: what happens in days takes seconds; who is told what goes into the same ledger as with real sockets.
"""

import random
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from faulty_vfs import let_go
from simulation import DrivenClock, Sent, Simulation, endpoint, simulation

from faults.callers import Queue
from faults.crowd import ENDPOINTS
from faults.ledger import Ledger, Named, named
from sidecar.errors import NoSpace, OutboxBroken
from sidecar.model import Accepted, Event, Outcome, Posting, Response, Unreachable, fingerprint
from sidecar.ports import Outbox

DAY = 86_400_000
CONCURRENCY = 4
SCHEDULE = (1_000, 5_000, 30_000) + (60_000,) * 60
SPANS = (1, 1, 50, 500, 5_000, 60_000)
"""ms between two posts."""

GOOD, BAD = Response(204), Response(500)


def body(event: Named) -> bytes:
    """Of some length, and of this event alone."""
    return (event.id.encode() + b" ") * (1 + event.number % 7 * 60)


@dataclass
class World:
    """It outlives the process: clock, receivers, caller and ledger. `well`: the endpoints that answer 204 at once."""

    dice: random.Random
    endpoints: tuple[str, ...] = ENDPOINTS
    well: set[str] = field(default_factory=lambda: {"healthy"})
    clock: DrivenClock = field(default_factory=DrivenClock)
    ledger: Ledger = field(init=False)
    queue: Queue = field(init=False)
    it: Simulation = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.endpoints, CONCURRENCY)
        self.queue = Queue("s", self.ledger, self.dice, subjects=8)
        self._turns = self._flap()

    @asynccontextmanager
    async def process(self, folder: Path, vfs: str = "", ballast: int = 0) -> AsyncIterator[Simulation]:
        """One life of the sidecar; it ends by a crash, whatever is in flight."""
        hooks = [endpoint(name, concurrency=CONCURRENCY) for name in self.endpoints]
        async with simulation(
            folder,
            self.answer,
            endpoints=hooks,
            clock=self.clock,
            vfs=vfs,
            hold=30 * DAY,
            schedule=SCHEDULE,
            ballast=ballast,
        ) as self.it:
            self.it.patience = 100.0
            yield self.it

    async def live(self, folder: Path, vfs: str) -> None:
        """Until its disk is its end."""
        try:
            async with self.process(folder, vfs) as it:
                while not it.task.done():
                    await self.post(it.outbox)
                    await it.pass_(self.dice.choice(SPANS))
                it.task.result()
        except OutboxBroken as error:
            let_go(error)

    async def post(self, outbox: Outbox) -> bool:
        """A few events at once; False where they are refused for now."""
        events = self.queue.ahead(max(self.dice.randint(1, 6), len(self.queue.unsure)))
        try:
            answers = await outbox.add([self._posting(event) for event in events])
        except NoSpace:
            return False
        for answer in answers:
            assert isinstance(answer, Accepted)
            self.queue.promised()
        return True

    async def settle_up(self, folder: Path) -> None:
        """A good disk, all endpoints well: everything comes."""
        self.well = set(self.endpoints)
        async with self.process(folder) as it:
            if self.queue.unsure:
                assert await self.post(it.outbox)
            for name in self.endpoints:
                await it.dispatcher.pause(name)
                await it.dispatcher.resume(name)
            for _ in range(200):
                if not self.ledger.missing:
                    break
                await it.pass_(10 * 60_000)
            assert sum(count.dead for count in (await it.outbox.counts()).values()) == 0

    def answer(self, sent: Sent) -> Outcome | Awaitable[Outcome]:
        event = named(sent.event)
        self.ledger.came(sent.endpoint, event, whole=sent.body == body(event))
        if sent.endpoint in self.well:
            return self._good(sent.endpoint, event)
        match sent.endpoint:
            case "dead":
                return Unreachable("refused")
            case "slow":
                return self._slowly(event)
            case "flapping" if next(self._turns):
                return self._good("flapping", event)
            case "flapping":
                return self.dice.choice((BAD, Unreachable("reset"), Response(429, b"", "2")))
            case _:
                return BAD

    def _good(self, endpoint: str, event: Named) -> Outcome:
        self.ledger.taken(endpoint, event)
        return GOOD

    async def _slowly(self, event: Named) -> Outcome:
        """Taken at once, and said later: whoever dies meanwhile does not know."""
        self._good("slow", event)
        return await self.it.take(self.dice.randrange(1, 10_000), GOOD)

    def _flap(self) -> Iterator[bool]:
        while True:
            yield from [True] * self.dice.randrange(1, 30)
            yield from [False] * self.dice.randrange(1, 9)

    def _posting(self, event: Named) -> Posting:
        raw = body(event)
        made = Event(event.id, "plain", "build:created", event.subject, raw, fingerprint(raw), self.clock.now())
        return Posting(made, self.endpoints)
