"""What must be done now and then: end what is too old, forget what is finished.

Law: small steps, one commit each, so that nothing on the road of an event ever waits long behind them.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

import structlog

from sidecar.errors import NoSpace
from sidecar.model import Health
from sidecar.ports import Clock, Outbox

log = structlog.get_logger()

STEP = 200
"""Events or deliveries in one commit."""

PERIOD = 15_000
JUMP = 3_600_000
"""A leap of the clock by more than this between two rounds: what seems old may not be. Ages wait as long again."""


@dataclass(slots=True)
class Upkeep:
    """`max_age` and `retention` in ms; `endpoints`: the names of those configured."""

    outbox: Outbox
    clock: Clock
    endpoints: Collection[str]
    max_age: int
    retention: int
    not_before: int = 0
    trouble: str = ""

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
                    await self._expire(endpoint, self._limit(endpoint, health))
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

    def _limit(self, endpoint: str, health: Health) -> int:
        """A paused endpoint's events, and an orphaned one's, are kept as long as the log (contract, section 2)."""
        kept = endpoint not in self.endpoints or health.state == "paused"
        return max(self.max_age, self.retention) if kept else self.max_age

    async def _expire(self, endpoint: str, limit: int) -> None:
        now = self.clock.now()
        while gone := await self.outbox.expire(endpoint, now - limit, now, STEP):
            for delivery in gone:
                log.error("delivery.expired", delivery=delivery, endpoint=endpoint)

    async def _prune(self) -> None:
        gone = 0
        while step := await self.outbox.prune(self.clock.now() - self.retention, STEP):
            gone += step
        if gone:
            log.info("outbox.pruned", events=gone)
