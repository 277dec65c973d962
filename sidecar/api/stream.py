"""NDJSON: any number of events in one request, answered while it runs.

Law: memory is bounded whatever the client does: at most `UNDER_WAY` batches are between socket and disk, and who does
not send, or not read, for `stall` seconds is cut off. The loop is given back after each batch; no task, future or timer
goes with a line, only with a batch.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import structlog
from aiohttp import web

from sidecar.api.forms import Form, Outcome
from sidecar.api.intake import Intake, store
from sidecar.api.lines import Lines
from sidecar.api.parts import Parts
from sidecar.errors import Problem
from sidecar.model import Posting
from sidecar.web.problems import TooSlow, cut, failed, kind, too_large
from sidecar.web.reading import BLANK, NDJSON, take

BATCH = 64
"""Lines stored by one call of the outbox."""

UNDER_WAY = 8
"""Batches read and not yet answered."""

log = structlog.get_logger()


@dataclass(slots=True)
class Batch:
    """Lines that are stored together: what is wrong with each (None: nothing), and the postings of the others."""

    numbers: list[int] = field(default_factory=list)
    faults: list[Problem | None] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)

    def add(self, number: int, read: Posting | Problem) -> None:
        self.numbers.append(number)
        if isinstance(read, Posting):
            self.postings.append(read)
            self.faults.append(None)
        else:
            self.faults.append(read)

    def outcomes(self, stored: Sequence[Outcome]) -> Iterable[tuple[int, Outcome]]:
        """By line; `stored` has one for each posting."""
        rest = iter(stored)
        return zip(self.numbers, [fault or next(rest) for fault in self.faults], strict=True)


class Stream:
    """One request: a reader, and beside it whoever answers, in the order of the lines."""

    def __init__(self, request: web.Request, parts: Parts, intake: Intake, form: Form) -> None:
        self._request = request
        self._parts = parts
        self._intake = intake
        self._form = form
        self._response = web.StreamResponse(status=202, headers={"Content-Type": NDJSON, **form.headers})
        # One batch more is with the reader, and one with the answerer.
        self._under_way = asyncio.Queue[tuple[Batch, asyncio.Task[Sequence[Outcome]]] | None](UNDER_WAY - 2)
        self._number = 0
        self._unanswered = 0
        self._gone = False

    async def run(self) -> web.StreamResponse:
        """Read and answer to the end; what was accepted stays accepted, whatever becomes of the client.

        Raises `TooSlow` where not even one line came.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._answer())
            late = await self._read(group)
            await self._under_way.put(None)
        if late and not self._number:
            raise late
        if not self._gone:
            await self._send(self._form.end(), last=True)
        if late:
            self._response.force_close()
        return self._response

    async def _read(self, group: asyncio.TaskGroup) -> TooSlow | None:
        """All lines; one that the client did not finish is dropped. What is returned ended them before their time."""
        lines = Lines(self._parts.max_event_size + len(b"\r"))
        try:
            while not self._gone and (chunk := await self._chunk()):
                await self._feed(lines.feed(chunk), group)
            await self._feed(lines.end(), group)
        except TooSlow as slow:
            if self._number:
                await self._store(Batch([self._number + 1], [slow]), group)
            return slow
        except ConnectionError:
            self._gone = True
        return None

    async def _chunk(self) -> bytes:
        """What the client sends next. While it may be waiting for an answer of ours, it has all the time."""
        while True:
            try:
                return await take(self._request.content, self._parts.stall)
            except TooSlow:
                if not self._unanswered:
                    raise

    async def _feed(self, lines: Sequence[bytes | None], group: asyncio.TaskGroup) -> None:
        for start in range(0, len(lines), BATCH):
            if self._gone:
                return
            now = self._parts.clock.now()
            batch = Batch()
            for line in lines[start : start + BATCH]:
                self._number += 1
                if line is None or line.strip(BLANK):
                    batch.add(self._number, self._posting(line, now))
            if batch.numbers:
                await self._store(batch, group)
            await asyncio.sleep(0)

    def _posting(self, line: bytes | None, now: int) -> Posting | Problem:
        try:
            if line is not None:
                return self._intake.posting(line, now)
            problem: Problem = too_large(self._parts.max_event_size)
        except Problem as wrong:
            problem = wrong
        except Exception as error:  # noqa: BLE001 - a surprise in one line spoils that line
            problem = failed(self._request, error)
        self._parts.observer.refused_for(kind(problem))
        return problem

    async def _store(self, batch: Batch, group: asyncio.TaskGroup) -> None:
        """Tasks start in the order they are made, and so the outbox sees the batches in the order of their lines."""
        self._unanswered += 1
        await self._under_way.put((batch, group.create_task(store(self._parts, batch.postings))))

    async def _answer(self) -> None:
        """Goes on to the end also when nobody listens any more, so that the reader never waits in vain."""
        while (batch := await self._under_way.get()) is not None:
            read, stored = batch
            told = self._form.tell(read.outcomes(await stored))
            if told and not self._gone:
                await self._send(told)
            self._unanswered -= 1

    async def _send(self, told: bytes, *, last: bool = False) -> None:
        """Write to a client that may not read."""
        try:
            async with asyncio.timeout(self._parts.stall):
                await self._response.prepare(self._request)
                await self._response.write(told)
                if last:
                    await self._response.write_eof()
        except TimeoutError:
            log.warning("api.cut_off", reason=f"the client did not read for {self._parts.stall:g} s")
            self._gone = True
            cut(self._request)
        except ConnectionError:
            self._gone = True
