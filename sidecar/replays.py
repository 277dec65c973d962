"""Replays: finished deliveries are owed again, job by job, a little at a time.

Law: a step takes only what was finished before its job was made, so a step that is made twice changes nothing. Of each
endpoint at most `OWED` are owed again at once: who is fresh waits behind no more than that, and an endpoint that is
down holds up its own replay, nobody else's.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

import structlog
from msgspec import structs

from sidecar.errors import NoSpace
from sidecar.jobs import Again, Replay, ReplayPart
from sidecar.ports import Clock, Outbox, Replays

log = structlog.get_logger()

OWED = 100
"""Deliveries to one endpoint owed again at once."""

PERIOD = 200
"""ms between the steps of a job, and so at most 500 deliveries a second to one endpoint."""


@dataclass(slots=True)
class Replayer:
    """Implements `ports.Replaying`. `endpoints`: the names of those configured; for others nothing is owed again, until
    they are."""

    kept: Replays
    outbox: Outbox
    clock: Clock
    endpoints: Collection[str]
    _draining: bool = False
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self, replay: Replay) -> Replay:
        made = await self.kept.add(replay)
        log.info("replay.started", replay=made.id, endpoint=made.endpoint or "all", states=" ".join(made.states))
        self._wake.set()
        return made

    def drain(self) -> None:
        """Owe nothing again any more; the next start goes on."""
        self._draining = True

    async def run(self) -> None:
        """Step by step, without end; idle while no job runs."""
        while True:
            self._wake.clear()
            try:
                busy = False if self._draining else await self.round()
            except NoSpace:
                busy = True
            await self.clock.wait(self._wake, self.clock.now() + (PERIOD if busy else 60_000))

    async def round(self) -> bool:
        """A step of each job, for each of its endpoints; False where none runs."""
        jobs = await self.kept.running()
        for job in jobs:
            for part in job.parts:
                if not part.done and part.endpoint in self.endpoints and self.clock.now() > job.created_at:
                    await self._step(job, part)
        return bool(jobs)

    async def _step(self, job: Replay, part: ReplayPart) -> None:
        which = Again(part.since, job.until, job.states, job.created_at)
        step = await self.outbox.replay(part.endpoint, which, part.after, self.clock.now(), limit=OWED, most=OWED)
        now = self.clock.now()
        if step.done or step.after != part.after:
            came = {"after": step.after, "share": step.share, "done": step.done}
            await self.kept.advance(job.id, structs.replace(part, resent=part.resent + step.resent, **came), now)
        if step.done:
            log.info("replay.finished", replay=job.id, endpoint=part.endpoint, resent=part.resent + step.resent)
