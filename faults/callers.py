"""Who posts: callers that keep the order of their own subjects, over every fault.

Law: what a caller has no answer for it posts again before anything later, under the same id, as a caller must who wants
it to arrive; only a 202 counts as a promise.
"""

import asyncio
import json
import random
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import ClientError, ClientSession
from running import Process, build

from faults.ledger import Ledger, Named

LINES = 20
NDJSON = {"Content-Type": "application/x-ndjson"}


def body(event: Named) -> dict[str, object]:
    """What is posted for an event."""
    return build(event.number, f"octo/{event.subject}", id=event.id)


@dataclass
class Queue:
    """What a caller has to post, in order: first of all that for which it has no answer."""

    name: str
    ledger: Ledger
    dice: random.Random
    subjects: int = 4
    unsure: deque[Named] = field(default_factory=deque)
    promises: int = 0
    _numbers: dict[str, int] = field(default_factory=dict)

    def ahead(self, count: int) -> list[Named]:
        """The next `count` events."""
        while len(self.unsure) < count:
            subject = f"{self.name}{self.dice.randrange(self.subjects)}"
            self._numbers[subject] = number = self._numbers.get(subject, 0) + 1
            self.unsure.append(Named(subject, number))
        events = [self.unsure[n] for n in range(count)]
        self.ledger.posted.update(events)
        return events

    def promised(self) -> None:
        """The first of them has got its 202."""
        self.ledger.promised(self.unsure.popleft())
        self.promises += 1


@dataclass
class Caller(Queue):
    """One after another, over one connection; `lines`: as a stream of NDJSON, `LINES` at a time. `pace`: seconds
    between two."""

    lines: bool = False
    pace: float = 0.0

    async def post(self, process: Process, limit: int) -> None:
        """Until `limit` more are acknowledged, or the process is gone."""
        with suppress(ClientError, OSError):
            await self._post(process, limit)

    async def go_on(self, process: Process) -> None:
        """Until cancelled, whatever becomes of its connections."""
        while True:
            await self.post(process, 5)
            await asyncio.sleep(self.pace)

    async def settle(self, process: Process) -> None:
        """Until there is an answer for all that was ever posted."""
        while self.unsure:
            await self._post(process, 1)

    async def _post(self, process: Process, limit: int) -> None:
        end = self.promises + limit
        async with process.client() as session:
            while self.promises < end:
                await (self._lines(session) if self.lines else self._one(session))
                await asyncio.sleep(self.pace)

    async def _one(self, session: ClientSession) -> None:
        [event] = self.ahead(1)
        async with session.post("/events", json=body(event)) as answer:
            if answer.status == 202:
                assert (await answer.json())["id"] == event.id
                self.promised()
            else:
                await self._refused(answer.status)

    async def _lines(self, session: ClientSession) -> None:
        """Each line of the answer counts as it comes."""
        text = b"".join(json.dumps(body(event)).encode() + b"\n" for event in self.ahead(LINES))
        async with session.post("/events", data=text, headers=NDJSON) as answer:
            if answer.status != 202:
                await self._refused(answer.status)
                return
            async for line in answer.content:
                said = json.loads(line)
                if "error" in said:
                    await self._refused(said["error"]["status"])
                    return
                assert said["id"] == self.unsure[0].id
                self.promised()

    async def _refused(self, status: int) -> None:
        """Only for a while, or something is wrong."""
        assert status == 503, f"answered {status}"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def load(process: Process, callers: Sequence[Caller]) -> AsyncIterator[None]:
    """All of them at once, as long as this lasts."""
    tasks = [asyncio.ensure_future(caller.go_on(process)) for caller in callers]
    try:
        yield
        for task in tasks:
            assert not task.done(), task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
