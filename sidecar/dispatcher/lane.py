"""One endpoint's lane: claim, attempt, judge, settle.

Law: a slot is free only when its attempt's verdict is on disk. What may start is decided by the endpoint's health,
its pace and its concurrency; the lane keeps the health in memory and writes it with the attempt that changed it.
"""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from msgspec.structs import replace

from sidecar import breaker, pace, retry
from sidecar.dispatcher.account import tell, tell_health
from sidecar.dispatcher.stall import Stall
from sidecar.errors import NoSpace
from sidecar.model import (
    FAR,
    Attempt,
    Claim,
    Endpoint,
    Health,
    Instance,
    Outcome,
    Secret,
    Settlement,
    Unreachable,
)
from sidecar.pace import Pace
from sidecar.ports import Clock, Dialect, Outbox, Transport

log = structlog.get_logger()

RELEASE_STEP = 500
"""Deliveries made due in one commit when an endpoint is back."""

NO_SPACE_WAIT = 1_000
"""ms between tries to write a verdict on a full disk."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What every lane works with. `schedule` in ms; `random` in [0, 1)."""

    outbox: Outbox
    transport: Transport
    clock: Clock
    dialects: Mapping[str, Dialect]
    instance: Instance
    schedule: tuple[int, ...]
    random: Callable[[], float]
    stall: Stall = field(default_factory=Stall)


class Lane:
    """`run` it; `wake` it when something may have become due."""

    def __init__(self, endpoint: Endpoint, health: Health, parts: Parts) -> None:
        self.endpoint = self._configured = endpoint
        self.health = health
        self._saved = health
        self._parts = parts
        self._pace = Pace(endpoint.rate)
        self._flying: dict[int, Claim] = {}
        self._wake = asyncio.Event()
        self._cutoff = FAR
        self._group: asyncio.TaskGroup

    @property
    def in_flight(self) -> frozenset[int]:
        return frozenset(self._flying)

    @property
    def overridden(self) -> bool:
        return self.endpoint is not self._configured

    def set_secrets(self, secrets: tuple[Secret, ...] | None) -> None:
        """For the next attempt; one in flight is signed already."""
        self.endpoint = self._configured if secrets is None else replace(self._configured, secrets=secrets)

    def wake(self) -> None:
        self._wake.set()

    def drain(self) -> None:
        self._cutoff = self._parts.clock.now()
        self.wake()

    async def run(self) -> None:
        """Until drained: nothing in flight, and nothing that is due and may start."""
        async with asyncio.TaskGroup() as self._group:
            if self.health.releasing:
                self._group.create_task(self._release())
            while True:
                self._wake.clear()
                until = await self._fill()
                if self._cutoff < FAR and not self._flying and until > self._parts.clock.now() + pace.TICK:
                    return
                await self._parts.clock.wait(self._wake, until)

    async def _fill(self) -> int:
        """Start what may start; when there may be more, unless woken before."""
        now = self._parts.clock.now()
        if self._parts.stall.on or self.health.state == "paused":
            return FAR
        if now < self.health.not_before:
            return self.health.not_before
        free = self._room(now)
        may = pace.allowance(self._pace, now, free)
        if not may:
            return math.ceil(self._pace.next_at) if free else FAR
        try:
            claimed = await self._parts.outbox.claim(
                self.endpoint.name, may, min(now, self._cutoff), self.health.flow_at(now)
            )
        except NoSpace:
            return now + NO_SPACE_WAIT
        await self._start(claimed.claims, now)
        if claimed.next_due <= now:
            return now
        return FAR if self._cutoff < FAR else min(claimed.next_due, self._wall(claimed.hold_until))

    def _room(self, now: int) -> int:
        return breaker.room(self.health, now=now, in_flight=len(self._flying), limit=self.endpoint.concurrency)

    def _wall(self, flow: int) -> int:
        """When the flow clock will show `flow`."""
        health = self.health
        return FAR if FAR in (flow, health.flow_from) else health.flow_from + flow - health.flow

    async def _start(self, claims: Sequence[Claim], now: int) -> None:
        """The endpoint may have been paused, or begun to fail, while we claimed: then give back what is too much."""
        free = self._room(now)
        probing = self.health.state == "failing"
        for claim in claims[:free]:
            self._flying[claim.delivery] = claim
            self._group.create_task(self._deliver(claim, probing=probing))
        self._pace = pace.started(self._pace, now, len(claims[:free]))
        if claims[free:]:
            await self._parts.outbox.abandon([claim.delivery for claim in claims[free:]])

    async def _deliver(self, claim: Claim, *, probing: bool) -> None:
        """The road of one delivery."""
        try:
            attempt = await self._attempt(claim)
            settlement = self._judge(claim, attempt, probing=probing)
            await self._settle(settlement)
            tell(settlement)
        finally:
            del self._flying[claim.delivery]
            self.wake()

    async def _attempt(self, claim: Claim) -> Attempt:
        clock = self._parts.clock
        started_at, start = clock.now(), clock.elapsed()
        outcome: Outcome
        try:
            request = self._parts.dialects[claim.event.dialect].write(
                claim.event,
                self.endpoint,
                delivery=claim.delivery,
                attempt=claim.number,
                now=clock.wall(),
                instance=self._parts.instance,
            )
            outcome = await self._parts.transport.send(self.endpoint, request)
        except Exception as error:
            # A fault of ours: on record as such, and tried again by the schedule.
            log.exception("delivery.failed", delivery=claim.delivery, endpoint=self.endpoint.name)
            outcome = Unreachable("internal", f"a fault of the sidecar's own ({type(error).__name__}); see its log")
        return Attempt(claim.number, started_at, clock.elapsed() - start, outcome)

    def _judge(self, claim: Claim, attempt: Attempt, *, probing: bool) -> Settlement:
        """Verdict and health; no await between reading the health and setting it."""
        parts, now, outcome = self._parts, self._parts.clock.now(), attempt.outcome
        sign = retry.sign(outcome)
        verdict = retry.judge(
            outcome, tries=claim.tries, schedule=parts.schedule, now=now, random=parts.random(), probing=probing
        )
        wait = retry.told_to_wait(outcome, wall=parts.clock.wall())
        flow = self.health.flow_at(now)
        limit = self.endpoint.concurrency
        before = self.health
        self.health = breaker.after(before, sign, now=now, limit=limit, wait=wait, probing=probing)
        if self.health.state != before.state:
            tell_health(self.endpoint.name, before, self.health)
            if self.health.releasing:
                self._group.create_task(self._release())
        changed = replace(self.health, last_success=self._saved.last_success) != self._saved
        if changed:
            self._saved = self.health
        return Settlement(
            claim, attempt, verdict, now, flow, fault=sign == "fault", health=self.health if changed else None
        )

    async def _settle(self, settlement: Settlement) -> None:
        """Until it is on disk: a full disk is waited for, and meanwhile nothing starts anywhere."""
        stalled = False
        try:
            while True:
                try:
                    return await self._parts.outbox.settle(settlement)
                except NoSpace as error:
                    if not stalled:
                        stalled = True
                        self._parts.stall.begin(str(error))
                await self._pause_for(NO_SPACE_WAIT)
        finally:
            if stalled:
                self._parts.stall.end()

    async def _release(self) -> None:
        """The endpoint is back: what failed through it is due at once, in bounded steps."""
        parts, now = self._parts, self._parts.clock.now()
        while True:
            try:
                if await parts.outbox.release(self.endpoint.name, now, RELEASE_STEP) < RELEASE_STEP:
                    return await self._save(replace(self.health, releasing=False))
            except NoSpace:
                await self._pause_for(NO_SPACE_WAIT)

    async def _pause_for(self, span: int) -> None:
        clock = self._parts.clock
        await clock.wait(asyncio.Event(), clock.now() + span)

    async def pause(self, reason: str) -> None:
        """Start nothing any more; what is in flight ends and is recorded."""
        before, now = self.health, self._parts.clock.now()
        await self._save(breaker.pause(before, now=now, reason=reason))
        if before.state != "paused":
            tell_health(self.endpoint.name, before, self.health)

    async def resume(self) -> None:
        """Go on, gently, in order."""
        before = self.health
        await self._save(breaker.resume(before, now=self._parts.clock.now()))
        if before.state == "paused":
            tell_health(self.endpoint.name, before, self.health)
            self._group.create_task(self._release())

    async def _save(self, health: Health) -> None:
        self.health = self._saved = health
        self.wake()
        await self._parts.outbox.save_health(self.endpoint.name, health)
