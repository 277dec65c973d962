"""What must be done now and then: end what is too old, forget what is finished.

Law: small steps, one commit each, so that nothing on the road of an event ever waits long behind them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog
from msgspec.structs import replace

from sidecar.errors import NoSpace
from sidecar.meters import Meters
from sidecar.model import Health
from sidecar.ports import Clock, Observer, Outbox

log = structlog.get_logger()

STEP = 200
"""Events or deliveries in one commit."""

PERIOD = 15_000
SEEN = 3_600_000
"""ms after which it is noted again that an endpoint is orphaned."""

JUMP = 3_600_000
"""A leap of the clock by more than this between two rounds, or so long an absence: what is owed is old through no fault
of its endpoint. Ages wait as long again."""


@dataclass(slots=True)
class Upkeep:
    """`max_age` and `retention` in ms; `endpoints`: the names of those configured.

    Attributes:
        others: what else forgets what is older than a time, a step a call, until it says 0.
    """

    outbox: Outbox
    clock: Clock
    endpoints: Collection[str]
    max_age: int
    retention: int
    others: Sequence[Callable[[int], Awaitable[int]]] = ()
    observer: Observer = field(default_factory=partial(Meters, (), 0))
    not_before: int = 0
    trouble: str = ""

    def came_back(self, since: int) -> None:
        """The sidecar was away since then: what became too old meanwhile is to be tried first."""
        if self.clock.now() - since > JUMP:
            self.not_before = self.clock.now() + JUMP

    async def run(self) -> None:
        """Rounds without end."""
        period = max(200, min(PERIOD, self.max_age // 10))
        while True:
            at, start = self.clock.now(), self.clock.elapsed()
            await self.clock.wait(asyncio.Event(), at + period)
            leap = self.clock.now() - at - (self.clock.elapsed() - start) // 1000
            if leap > JUMP:
                log.warning("clock.jumped", detail=f"by {leap // 1000} s; no delivery expires for an hour")
                self.not_before = self.clock.now() + JUMP
            await self.round()

    async def round(self) -> None:
        """End what is too old, then forget what is finished and too old or too much."""
        self._tell()
        try:
            if self.clock.now() >= self.not_before:
                for endpoint, health in (await self.outbox.health()).items():
                    await self._expire(endpoint, await self._limit(endpoint, health))
            await self._prune()
        except NoSpace as error:
            log.error("outbox.no_space", detail=str(error))  # noqa: TRY400 - the sentence says it all

    def _tell(self) -> None:
        """Why no events are taken, once, and when they are again."""
        before, self.trouble = self.trouble, self.outbox.ready()
        if self.trouble and self.trouble != before:
            log.error("outbox.unready", detail=self.trouble)
        if before and not self.trouble:
            log.info("outbox.ready")

    async def _limit(self, endpoint: str, health: Health) -> int:
        """Before when what is owed is too old. A paused endpoint's events, and an orphaned one's, are kept as long as
        the log (contract, section 2); once it is back, they have their whole age before them again."""
        now = self.clock.now()
        orphaned = endpoint not in self.endpoints
        if orphaned and now - health.ages_from > SEEN:
            await self.outbox.save_health(endpoint, replace(health, ages_from=now, version=health.version + 1))
        if orphaned or health.state == "paused":
            return now - max(self.max_age, self.retention)
        return now - self.max_age if now - health.ages_from > self.max_age else 0

    async def _expire(self, endpoint: str, before: int) -> None:
        now = self.clock.now()
        while gone := await self.outbox.expire(endpoint, before, now, STEP):
            for delivery in gone:
                log.error("delivery.expired", delivery=delivery, endpoint=endpoint)
                self.observer.expired(endpoint)

    async def _prune(self) -> None:
        gone = 0
        while step := await self.outbox.prune(self.clock.now() - self.retention, STEP):
            gone += step
        if gone:
            log.info("outbox.pruned", events=gone)
        for forget in self.others:
            while await forget(self.clock.now() - self.retention):
                pass
