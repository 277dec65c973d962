"""The default outbox: SQLite in the data directory, no service beside it.

Law: each method of the port is one operation for the writer, or one look of the reader; what they do stands in the
files beside this one, named for it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import apsw

from sidecar.errors import OutboxBroken
from sidecar.jobs import Again, Step
from sidecar.model import (
    Added,
    AttemptLog,
    Claim,
    Claimed,
    Counts,
    DeliveryLog,
    Event,
    Health,
    Posting,
    Query,
    Settlement,
)
from sidecar.outboxes.sqlite import claiming, pruning, repairing
from sidecar.outboxes.sqlite.adding import FULL
from sidecar.outboxes.sqlite.files import WAY_OUT
from sidecar.outboxes.sqlite.reader import Reader
from sidecar.outboxes.sqlite.store import Store
from sidecar.outboxes.sqlite.writer import NO_SPACE, Add, Change, Settle, Take, Writer

T = TypeVar("T")


class SqliteOutbox:
    """Implements `ports.Outbox`; made by `open_outbox`."""

    def __init__(self, store: Store, writer: Writer, reader: apsw.Connection) -> None:
        self._store = store
        self._writer = writer
        self._looking = ThreadPoolExecutor(1, "outbox-reader")
        self._reader_db = reader
        self._reader = Reader(reader)
        self._future = asyncio.get_running_loop().create_future
        self._wake: Callable[[str], None] = lambda _: None
        writer.wake = self.woken

    def woken(self, endpoints: set[str]) -> None:
        """What the writer calls on the event loop."""
        for endpoint in endpoints:
            self._wake(endpoint)

    def watch(self, wake: Callable[[str], None], hand: Callable[[str, Sequence[Claim]], None]) -> None:
        self._wake = wake
        self._writer.hand = hand

    async def add(self, postings: Sequence[Posting]) -> list[Added]:
        op = Add(postings, self._future())
        self._writer.submit(op)
        return await op.future

    async def claim(self, endpoint: str, limit: int, now: int, flow: int, *, standing: bool = False) -> Claimed:
        op = Take(endpoint, limit, now, flow, standing, self._future())
        self._writer.submit(op)
        return await op.future

    async def settle(self, settlement: Settlement, *, another: bool = False) -> Claim | None:
        op = Settle(settlement, self._future(), another)
        self._writer.submit(op)
        return await op.future

    async def abandon(self, claims: Sequence[int]) -> None:
        await self._change(lambda store: claiming.abandon(store, claims))

    async def release(self, endpoint: str, now: int, limit: int) -> int:
        return await self._change(lambda store: repairing.release(store, endpoint, now, limit))

    async def resend(self, delivery: int, now: int) -> bool:
        return await self._change(lambda store: repairing.resend(store, delivery, now))

    async def replay(self, endpoint: str, which: Again, after: int, now: int, *, limit: int, most: int) -> Step:
        known = self._store.ids.get(endpoint)
        if known is None:
            return Step(0, after, 1000, done=True)
        found, (first, last) = await self._look(lambda: self._reader.finished(known, which, after, limit))
        taken, whole = await self._change(
            lambda store: repairing.replay(store, known, found, which.finished_by, now, most=most)
        )
        if whole and len(found) < limit:
            return Step(len(taken), max(after, last), 1000, done=True)
        after = found[-1] if whole else taken[-1] if taken else after
        share = 1000 * (max(after, first) - first) // max(1, last - first)
        return Step(len(taken), after, share, done=False)

    async def expire(self, endpoint: str, before: int, now: int, limit: int) -> list[int]:
        return await self._change(lambda store: repairing.expire(store, endpoint, before, now, limit))

    async def prune(self, before: int, limit: int) -> int:
        return await self._change(lambda store: pruning.prune(store, before, limit))

    async def save_health(self, endpoint: str, health: Health) -> None:
        def save(store: Store) -> None:
            store.save_health(store.endpoint(endpoint), health)
            store.woken.add(endpoint)

        await self._change(save)

    async def health(self) -> Mapping[str, Health]:
        return await self._change(lambda s: {s.names[id_]: health for id_, health in s.memory.health.items()})

    async def counts(self) -> Mapping[str, Counts]:
        counts = await self._change(lambda s: dict(s.memory.counts))
        names = self._store.names
        oldest = await self._look(lambda: self._reader.oldest(list(counts)))
        return {names[id_]: Counts(*count, oldest=oldest[id_]) for id_, count in counts.items()}

    async def event(self, event: str) -> Event | None:
        return await self._look(lambda: self._reader.event(event))

    async def delivery(self, delivery: int) -> DeliveryLog | None:
        return await self._look(lambda: self._reader.delivery(delivery))

    async def attempts(self, delivery: int) -> Sequence[AttemptLog]:
        return await self._look(lambda: self._reader.attempts(delivery))

    async def deliveries(self, query: Query) -> Sequence[DeliveryLog]:
        return await self._look(lambda: self._reader.deliveries(query))

    async def failure(self) -> OutboxBroken:
        await self._writer.failed.wait()
        assert self._writer.broken is not None
        return self._writer.broken

    @property
    def written(self) -> int:
        return self._store.memory.totals["written"]

    @property
    def owed(self) -> int:
        return self._store.memory.totals["owed"]

    def ready(self) -> str:
        if self._writer.broken is not None:
            return str(self._writer.broken)
        if self._writer.full:
            return NO_SPACE
        return FULL if self._store.memory.totals["owed"] >= self._store.max_size else ""

    async def close(self) -> None:
        """Finish what is queued, fold the write-ahead log in, close. Where the disk has no room for that, the log stays
        as it is, and the next start reads it."""
        self._writer.stop()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._writer.join)
        self._looking.shutdown()
        for db in (self._reader_db, self._store.db):
            with suppress(apsw.Error):
                db.close()

    async def _change(self, run: Callable[[Store], T]) -> T:
        future: asyncio.Future[T] = self._future()
        self._writer.submit(Change(run, future))
        return await future

    async def _look(self, look: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._looking, look)
        except (apsw.Error, UnicodeDecodeError) as error:
            raise OutboxBroken(f"the outbox cannot be read ({type(error).__name__}: {error}); {WAY_OUT}") from error
