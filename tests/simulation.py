"""The dispatcher over a real outbox, with time and the wire made up: days pass in milliseconds.

Law: only time and the wire are faked. Time moves on to the next moment that somebody waits for, once nothing is under
way.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from clocks import FakeClock

from sidecar.dispatcher import Dispatcher, Parts
from sidecar.meters import Meters
from sidecar.model import (
    FAR,
    Delivered,
    Endpoint,
    Event,
    Instance,
    Outcome,
    Posting,
    Request,
    Response,
    Secret,
    Settlement,
    fingerprint,
)
from sidecar.outboxes.sqlite import open_outbox
from sidecar.outboxes.sqlite.engine import SqliteOutbox

HOLD = 600_000
SCHEDULE = (5_000, 300_000, 1_800_000, 7_200_000, 18_000_000)


class Sent(NamedTuple):
    """One POST: when, where, and what for."""

    at: int
    endpoint: str
    event: str
    subject: str
    attempt: int
    body: bytes


class PlainDialect:
    """Puts into headers what a wire needs to know."""

    def write(
        self, event: Event, endpoint: Endpoint, *, delivery: int, attempt: int, now: int, instance: Instance
    ) -> Request:
        headers = (("id", event.id), ("subject", event.subject), ("attempt", str(attempt)))
        return Request(headers, event.body)


Answer = Outcome | Awaitable[Outcome]
Script = Callable[[Sent], Answer]


@dataclass
class Wire:
    """Answers as `script` says, and remembers."""

    clock: FakeClock
    script: Script
    sent: list[Sent] = field(default_factory=list)
    good: list[Sent] = field(default_factory=list)
    busy: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)

    async def send(self, endpoint: Endpoint, request: Request) -> Outcome:
        head = dict(request.headers)
        sent = Sent(self.clock.now(), endpoint.name, head["id"], head["subject"], int(head["attempt"]), request.body)
        self.sent.append(sent)
        self.busy[endpoint.name] = self.busy.get(endpoint.name, 0) + 1
        self.most[endpoint.name] = max(self.most.get(endpoint.name, 0), self.busy[endpoint.name])
        try:
            answer = self.script(sent)
            outcome = await answer if isinstance(answer, Awaitable) else answer
        finally:
            self.busy[endpoint.name] -= 1
        if isinstance(outcome, Response) and outcome.status // 100 == 2:
            self.good.append(sent)
        return outcome

    async def close(self) -> None: ...

    def to(self, endpoint: str) -> list[str]:
        """The events an endpoint took, in order."""
        return [sent.event for sent in self.good if sent.endpoint == endpoint]


class DrivenClock(FakeClock):
    """Says when it was asked to wait, or when somebody else says that something has come to its end."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def _tell(self) -> None:
        await super()._tell()
        self.asked.set()


class Witness(Meters):
    """Tells the clock of each attempt that has ended: a lane that has nothing more to do asks for no time."""

    def __init__(self, clock: DrivenClock) -> None:
        super().__init__((), 0)
        self.clock = clock

    def attempted(self, settlement: Settlement) -> None:
        super().attempted(settlement)
        self.clock.asked.set()


@dataclass
class Simulation:
    """What a test works with."""

    clock: DrivenClock
    outbox: SqliteOutbox
    wire: Wire
    dispatcher: Dispatcher
    task: asyncio.Task[None]

    async def add(self, *subjects: str, to: Sequence[str] = ("hook",), prefix: str = "") -> list[str]:
        """One event for each subject given, in order: their ids are `a-1`, `a-2`, `b-1`, …"""
        ids, postings = [], []
        for subject in subjects:
            self._counts[subject] = self._counts.get(subject, 0) + 1
            id_ = f"{prefix}{subject}-{self._counts[subject]}"
            now = self.clock.now()
            event = Event(id_, "plain", "build:created", subject, b"{}", fingerprint(id_.encode()), now)
            postings.append(Posting(event, tuple(to)))
            ids.append(id_)
        await self.outbox.add(postings)
        return ids

    _counts: dict[str, int] = field(default_factory=dict)

    async def until(self, true: Callable[[], bool], limit: int = FAR) -> None:
        """Let time pass until `true()`, or until `limit` ms have passed."""
        end = self.clock.now() + limit
        async with asyncio.timeout(self.patience):
            while not true() and self.clock.now() < end and not self.task.done():
                self.clock.asked.clear()
                await self._step(end)
                await self.clock.asked.wait()

    async def pass_(self, span: int) -> None:
        """Let `span` ms pass, with all that falls into it."""
        end = self.clock.now() + span
        marker = asyncio.ensure_future(self.clock.wait(asyncio.Event(), end))
        marker.add_done_callback(lambda _: self.clock.asked.set())
        self.lanes += 1
        await self.until(marker.done)
        self.lanes -= 1

    async def _step(self, end: int) -> None:
        """Move on to the next moment somebody waits for, once everybody waits."""
        for _ in range(5):  # whoever was just woken gets its turn before we look
            await asyncio.sleep(0)
        waits = self.clock.waits
        busy = len(waits) < self.lanes + len(self.dispatcher.in_flight())
        if not busy and waits and waits[0] < FAR:
            self.clock.advance(max(0, min(waits[0], end) - self.clock.now()))
            if self.clock.now() >= end:
                self.clock.asked.set()

    lanes: int = 1
    patience: float = 60.0
    """Seconds, of real time, in which one wait comes to its end."""

    async def take(self, span: int, outcome: Outcome) -> Outcome:
        """A receiver that takes `span` ms."""
        await self.clock.wait(asyncio.Event(), self.clock.now() + span)
        return outcome


@asynccontextmanager
async def simulation(
    folder: Path,
    script: Script = lambda _: Response(204),
    *,
    endpoints: Sequence[Endpoint] = (),
    clock: DrivenClock | None = None,
    order: str = "subject",
    vfs: str = "",
    hold: int = HOLD,
    schedule: tuple[int, ...] = SCHEDULE,
    ballast: int = 0,
) -> AsyncIterator[Simulation]:
    """A dispatcher at work on the outbox in `folder`."""
    clock = clock or DrivenClock()
    outbox = await open_outbox(folder, now=clock.now, hold=hold, order=order, max_size=2**30, vfs=vfs, ballast=ballast)
    wire = Wire(clock, script)
    parts = Parts(
        outbox=outbox,
        transport=wire,
        clock=clock,
        dialects={"plain": PlainDialect()},  # type: ignore[dict-item] # the dispatcher only writes
        instance=Instance(),
        schedule=schedule,
        random=lambda: 0.5,
        observer=Witness(clock),
    )
    dispatcher = Dispatcher(endpoints or [endpoint()], await outbox.health(), parts)
    task = asyncio.ensure_future(dispatcher.run())
    task.add_done_callback(lambda _: clock.asked.set())
    try:
        yield Simulation(clock, outbox, wire, dispatcher, task, lanes=len(endpoints) or 1)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await outbox.close()


def endpoint(name: str = "hook", concurrency: int = 16, rate: float = 0.0) -> Endpoint:
    """An endpoint of the plain dialect."""
    return Endpoint(name, "plain", f"http://{name}.test/", (Secret(b"s"),), concurrency=concurrency, rate=rate)


__all__ = ["Delivered", "Response", "Simulation", "endpoint", "simulation"]
