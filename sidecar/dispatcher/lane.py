"""One endpoint's lane: claim, attempt, judge, settle.

Law: a slot is free only when its attempt's verdict is on disk. What may start is decided by the endpoint's health,
its pace and its concurrency; the lane keeps the health in memory and writes it with the attempt that changed it.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import structlog
from msgspec.structs import replace

from sidecar import breaker, pace, retry
from sidecar.dispatcher.account import tell, tell_health
from sidecar.dispatcher.stall import Stall
from sidecar.errors import NoSpace
from sidecar.meters import Meters
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
from sidecar.ports import Clock, Dialect, Observer, Outbox, Transport

log = structlog.get_logger()

T = TypeVar("T")

RELEASE_STEP = 500
"""Deliveries made due in one commit when an endpoint is back."""

A_TURN = 8
"""Deliveries that a lane begins in one turn of the event loop."""

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
    observer: Observer = field(default_factory=partial(Meters, (), 0))
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
        self._paced = self._ended = False
        self._short = self._short_until = 0
        self._group: asyncio.TaskGroup

    @property
    def in_flight(self) -> frozenset[int]:
        return frozenset(self._flying)

    @property
    def overridden(self) -> bool:
        return self.endpoint is not self._configured

    def configure(self, endpoint: Endpoint) -> None:
        """For the next attempt; secrets that were set at run time go on winning."""
        set_by_hand = self.endpoint.secrets if self.overridden else None
        self._configured = endpoint
        self.set_secrets(set_by_hand)

    def set_secrets(self, secrets: tuple[Secret, ...] | None) -> None:
        """For the next attempt; one in flight is signed already."""
        self.endpoint = self._configured if secrets is None else replace(self._configured, secrets=secrets)

    def wake(self) -> None:
        """Look what may start."""
        self._wake.set()

    def due(self) -> None:
        """Something may have become due: look, where it may start. Where it may not, what changes that wakes."""
        now = self._parts.clock.now()
        if not self._barred(now) and self._room(now):
            self.wake()

    def hand(self, claims: Sequence[Claim]) -> None:
        """Begin what our standing claim was given, but what may no longer start. Once the lane has ended, all of it is
        for the next start."""
        if self._ended:
            return
        now = self._parts.clock.now()
        may = 0 if self._barred(now) else pace.allowance(self._pace, now, self._room(now))
        back = [claim.delivery for claim in claims[may:]] + self._begin(claims[:may], now)
        if back:
            self._group.create_task(self._give_back(back))

    def drain(self) -> None:
        self._cutoff = self._parts.clock.now()
        self.wake()

    async def run(self) -> None:
        """Until drained: nothing in flight, and nothing that is due and may start."""
        async with asyncio.TaskGroup() as self._group:
            if self.health.releasing:
                self._group.create_task(self._release())
            try:
                await self._look()
            finally:
                self._ended = True

    async def _look(self) -> None:
        while True:
            self._wake.clear()
            until = await self._fill()
            idle = not self._flying and not self._paced and until > self._parts.clock.now() + pace.TICK
            if self._cutoff < FAR and idle and not self._wake.is_set():  # what was looked for since the drain began
                return
            await self._parts.clock.wait(self._wake, until)

    async def _fill(self) -> int:
        """Start what may start; when there may be more, unless woken before."""
        now = self._parts.clock.now()
        if barred := self._barred(now):
            return barred
        free = self._room(now)
        may = pace.allowance(self._pace, now, free)
        self._paced = free > 0 and not may
        if not may:
            return math.ceil(self._pace.next_at) if free else FAR
        try:
            claimed = await self._parts.outbox.claim(
                self.endpoint.name, may, min(now, self._cutoff), self.health.flow_at(now), standing=self._flows()
            )
        except NoSpace:
            return now + NO_SPACE_WAIT
        await self._start(claimed.claims, now)
        if claimed.next_due <= min(now, self._cutoff):
            return now
        return FAR if self._cutoff < FAR else min(claimed.next_due, self._wall(claimed.hold_until))

    def _barred(self, now: int) -> int:
        """Until when nothing may start; 0 where something may."""
        if self._parts.stall.on or self.health.state == "paused":
            return FAR
        until = max(self.health.not_before, self._short_until)
        return until if now < until else 0

    def _flows(self) -> bool:
        """Whether a slot that comes free may be used at once: nothing bars, slows or ends the lane."""
        health = self.health
        if health.state != "active" or self.endpoint.rate or self._cutoff < FAR:
            return False
        unbarred = not (health.not_before or self._short_until or self._parts.stall.on)
        return unbarred or not self._barred(self._parts.clock.now())

    def _room(self, now: int) -> int:
        return breaker.room(self.health, now=now, in_flight=len(self._flying), limit=self.endpoint.concurrency)

    def _wall(self, flow: int) -> int:
        """When the flow clock will show `flow`."""
        health = self.health
        return FAR if FAR in (flow, health.flow_from) else health.flow_from + flow - health.flow

    async def _start(self, claims: Sequence[Claim], now: int) -> None:
        """A few in one turn of the event loop: others wait for it, too. What is too much by then goes back."""
        back: list[int] = []
        for first in range(0, len(claims), A_TURN):
            back += self._begin(claims[first : first + A_TURN], now)
            await asyncio.sleep(0)
        if back:
            await self._give_back(back)

    def _begin(self, claims: Sequence[Claim], now: int) -> list[int]:
        """The endpoint may have been paused, or begun to fail, while we claimed: which there is no room for."""
        free = self._room(now)
        probing = self.health.state == "failing"
        for claim in claims[:free]:
            self._flying[claim.delivery] = claim
            self._group.create_task(self._work(claim, probing=probing))
        self._pace = pace.started(self._pace, now, len(claims[:free]))
        return [claim.delivery for claim in claims[free:]]

    async def _give_back(self, deliveries: Sequence[int]) -> None:
        await self._once_there_is_room(lambda: self._parts.outbox.abandon(deliveries))

    async def _work(self, claim: Claim, *, probing: bool) -> None:
        """A slot: one delivery, and then each that comes with the verdict on the one before. Only while all slots are
        taken: where some are free, what is due is claimed for all of them at once."""
        try:
            while another := await self._deliver(claim, probing=probing):
                self._landed(claim)
                room = self._room(self._parts.clock.now())
                self._flying[another.delivery] = another
                claim, probing = another, False
                if not (room and self._flows()):
                    await self._give_back([claim.delivery])
                    break
        finally:
            full = not self._room(self._parts.clock.now())
            self._landed(claim)
            if full or not self._flows():
                self.wake()

    def _landed(self, claim: Claim) -> None:
        """It has ended; the same delivery may have been claimed anew before we hear of that, and is then another's."""
        if self._flying.get(claim.delivery) is claim:
            del self._flying[claim.delivery]

    async def _deliver(self, claim: Claim, *, probing: bool) -> Claim | None:
        """The road of one delivery."""
        attempt = await self._attempt(claim)
        settlement = self._judge(claim, attempt, probing=probing)
        full = not self._room(settlement.at)
        another = await self._settle(settlement, another=full and self._flows())
        tell(settlement)
        self._parts.observer.attempted(settlement)
        return another

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
        self._run_short(now, outcome)
        if self.health.state != before.state:
            self._turned(before)
        changed = replace(self.health, last_success=self._saved.last_success) != self._saved
        if changed:
            self.health = self._saved = replace(self.health, version=self.health.version + 1)
        return Settlement(
            claim, attempt, verdict, now, flow, fault=sign == "fault", health=self.health if changed else None
        )

    def _turned(self, before: Health) -> None:
        """The endpoint's state changed: tell, and see to what is owed."""
        tell_health(self.endpoint.name, before, self.health)
        if self.health.releasing:
            self._spawn(self._release())
        elif self.health.state == "failing":
            self._spawn(self._ready_a_probe())

    def _run_short(self, now: int, outcome: Outcome) -> None:
        """Where this machine has run out of something, start less and less until it has it again."""
        if isinstance(outcome, Unreachable) and outcome.reason == "resources":
            self._short = min(self._short * 2, breaker.LAST_WAIT) if now >= self._short_until else self._short
            self._short = self._short or breaker.FIRST_WAIT
            self._short_until = now + self._short
        else:
            self._short = 0

    async def _settle(self, settlement: Settlement, *, another: bool) -> Claim | None:
        """Until it is on disk: a full disk is waited for, and meanwhile nothing starts anywhere."""
        stalled = False
        try:
            while True:
                try:
                    return await self._parts.outbox.settle(settlement, another=another)
                except NoSpace as error:
                    if not stalled:
                        stalled = True
                        self._parts.stall.begin(str(error))
                clock = self._parts.clock
                await clock.wait(asyncio.Event(), clock.now() + NO_SPACE_WAIT)
        finally:
            if stalled:
                self._parts.stall.end()

    async def _release(self) -> None:
        """The endpoint is back: what failed through it is due at once, in bounded steps."""
        name, now = self.endpoint.name, self._parts.clock.now()
        release = self._parts.outbox.release
        while await self._once_there_is_room(lambda: release(name, now, RELEASE_STEP)) == RELEASE_STEP:
            continue
        self._change(replace(self.health, releasing=False))
        await self._once_there_is_room(self._keep)

    async def _ready_a_probe(self) -> None:
        """Where nothing else waits, one that failed is the probe: it need not wait for its schedule."""
        name, now = self.endpoint.name, self._parts.clock.now()
        await self._once_there_is_room(lambda: self._parts.outbox.release(name, now, 1))

    async def pause(self, reason: str) -> None:
        """Start nothing any more; what is in flight ends and is recorded."""
        before, now = self.health, self._parts.clock.now()
        if before.state != "paused":
            self._change(breaker.pause(before, now=now, reason=reason))
            tell_health(self.endpoint.name, before, self.health)
        await self._keep_or_tell()

    async def resume(self) -> None:
        """Go on, gently, in order."""
        before = self.health
        if before.state == "paused":
            self._change(breaker.resume(before, now=self._parts.clock.now()))
            self._turned(before)
        await self._keep_or_tell()

    def _change(self, health: Health) -> None:
        self.health = replace(health, version=self.health.version + 1)
        self.wake()

    async def _keep(self) -> None:
        """Write the health as it is now."""
        health = self.health
        await self._parts.outbox.save_health(self.endpoint.name, health)
        self._saved = health

    async def _keep_or_tell(self) -> None:
        """Write the health; where there is no room, say so now and write it once there is."""
        try:
            await self._keep()
        except NoSpace:
            self._spawn(self._once_there_is_room(self._keep))
            raise

    async def _once_there_is_room(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do it again until the disk takes it."""
        clock = self._parts.clock
        while True:
            try:
                return await work()
            except NoSpace:
                await clock.wait(asyncio.Event(), clock.now() + NO_SPACE_WAIT)

    def _spawn(self, work: Coroutine[None, None, object]) -> None:
        """Beside the deliveries; not once the lane has ended: what is on disk is seen to by the next start."""
        if self._cutoff < FAR:
            work.close()
        else:
            self._group.create_task(work)
