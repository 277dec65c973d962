"""Group commit: one thread, one connection, one fsync for all that came in meanwhile.

Law: nobody hears of a change before its commit is on disk. A full disk rolls back and goes on; any other failure of
a write or an fsync is final: every call from then on raises `OutboxBroken`, and nothing is ever tried again.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import apsw

from sidecar.errors import NoSpace, OutboxBroken, Unavailable
from sidecar.model import Added, Claim, Posting, Settlement
from sidecar.outboxes.sqlite.adding import add
from sidecar.outboxes.sqlite.ballast import Ballast
from sidecar.outboxes.sqlite.claiming import claim_others
from sidecar.outboxes.sqlite.files import WAY_OUT
from sidecar.outboxes.sqlite.settling import settle
from sidecar.outboxes.sqlite.store import Store
from sidecar.sqlitefile import no_room

BATCH = 512
"""Operations from which on a commit waits for no more."""

WAL_PAGES = 2000
"""Pages in the write-ahead log from which on it is folded into the database: 8 MB."""

RETRY_BALLAST = 5_000
"""ms between tries to make the ballast again."""

NO_SPACE = "no space left on the disk of SIDECAR_DATA_DIR: free some, and it goes on by itself"


@dataclass(slots=True, frozen=True)
class Settle:
    """The end of a claim; `another`: a new one takes its place."""

    settlement: Settlement
    future: asyncio.Future[Claim | None]
    another: bool = False


@dataclass(slots=True, frozen=True)
class Add:
    """Events to be stored, all or none."""

    postings: Sequence[Posting]
    future: asyncio.Future[list[Added]]


@dataclass(slots=True, frozen=True)
class Change:
    """Anything else that is done to the store; `last`: after all others of its commit, so that it sees them."""

    run: Callable[[Store], object]
    future: asyncio.Future[Any]
    last: bool = False


Op = Settle | Add | Change
Answers = list[tuple[asyncio.Future[Any], object]]


class Writer(threading.Thread):
    """`submit` from the event loop.

    Attributes:
        full: the disk was, and there is no room for the ballast yet: nothing is added.
        broken: set once the store can no longer be trusted; `failed` is then set, too.
        wake: called on the event loop with the endpoints where something may have become due.
    """

    def __init__(
        self, store: Store, ballast: Ballast, now: Callable[[], int], timed: Callable[[Callable[[], object]], object]
    ) -> None:
        super().__init__(name="outbox-writer", daemon=True)
        self._store = store
        self._ballast = ballast
        self._now = now
        self._timed = timed
        self.failed = asyncio.Event()
        self.wake: Callable[[set[str]], None] = lambda _: None
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[list[Op] | None] = queue.SimpleQueue()
        self._gathered: list[Op] = []
        self._try_ballast_at = 0
        self._pages = 0
        self._stopped = False
        self.full = False
        self.broken: OutboxBroken | None = None
        store.db.set_wal_hook(self._count_pages)

    def submit(self, op: Op) -> None:
        """Queue an operation; its future is done once it is on disk."""
        if self.broken is not None:
            op.future.set_exception(self.broken)
        elif self._stopped:
            op.future.set_exception(OutboxBroken("the outbox is closed"))
        else:
            self._gathered.append(op)
            if len(self._gathered) == 1:
                self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        """All that this turn of the event loop brought: to wake the thread costs more than most of what it is asked."""
        if self._gathered:
            self._queue.put(self._gathered)
            self._gathered = []

    def stop(self) -> None:
        """Finish what is queued, then end; `join()` waits for it."""
        self._stopped = True
        self._hand_over()
        self._queue.put(None)

    # -- on the thread -----------------------------------------------------------------------------------------------

    def run(self) -> None:
        last = False
        while not last:
            batch, last = self._gather()
            if batch:
                self._answer(self._surely(batch))
                self._checkpoint()

    def _gather(self) -> tuple[list[Op], bool]:
        """All that is waiting, at least one; and whether it was the last."""
        batch: list[Op] = []
        while (ops := self._queue.get()) is not None:
            batch += ops
            if len(batch) >= BATCH or self._queue.empty():
                return batch, False
        return batch, True

    def _surely(self, batch: list[Op]) -> Answers:
        """An answer for each, whatever happens: nobody must wait for ever for a thread that has died."""
        if self.broken is not None:
            return [(op.future, self.broken) for op in batch]
        try:
            return self._work(batch)
        except Exception as error:  # noqa: BLE001 - whatever it was, the store can no longer be trusted
            return self._break(batch, error)

    def _work(self, batch: list[Op]) -> Answers:
        try:
            self._regain()
            return self._transact(batch)
        except apsw.Error as error:
            if not no_room(error):
                raise
            return self._without_room(batch)

    def _without_room(self, batch: list[Op]) -> Answers:
        """Give up the ballast and try again, adding nothing: verdicts still go in. If even they do not: `NoSpace`."""
        self.give_up_ballast()
        try:
            return self._transact(batch)
        except apsw.Error as error:
            if not no_room(error):
                raise
            return [(op.future, NoSpace(NO_SPACE)) for op in batch]

    def give_up_ballast(self) -> None:
        """Add nothing until it can be made again."""
        self.full = True
        self._ballast.drop()
        self._try_ballast_at = self._now() + RETRY_BALLAST

    def _regain(self) -> None:
        if self.full and self._now() >= self._try_ballast_at:
            self.full = not self._ballast.make()
            self._try_ballast_at = self._now() + RETRY_BALLAST

    def _break(self, batch: list[Op], error: Exception) -> Answers:
        what = f"{type(error).__name__}: {error}"
        self.broken = OutboxBroken(
            f"the outbox cannot be written ({what}); nothing more is taken. Check the disk; {WAY_OUT}"
        )
        self.broken.__cause__ = error
        self._loop.call_soon_threadsafe(self.failed.set)
        return [(op.future, self.broken) for op in batch]

    def _transact(self, batch: list[Op]) -> Answers:
        """All of the batch in one transaction; where it fails, tables and memory are as before."""
        store = self._store
        before = store.memory.copy()
        changes = store.db.total_changes()
        try:
            store.db.execute("BEGIN IMMEDIATE")
            answers = self._run_all(batch)
            if store.db.total_changes() != changes:
                store.save(self._now())
            self._timed(partial(store.db.execute, "COMMIT"))
        except BaseException:
            store.memory = before
            store.changed.clear()
            store.woken.clear()
            store.recent.forget()  # numbers that were not stored are given again
            if store.db.in_transaction:
                store.db.execute("ROLLBACK")
            raise
        return answers

    def _run_all(self, batch: list[Op]) -> Answers:
        """Settlements free lanes, additions fill them, claims see both."""
        settling = [op for op in batch if isinstance(op, Settle)]
        adding = [op for op in batch if isinstance(op, Add)]
        changes = [op for op in batch if isinstance(op, Change)]
        if settling:
            settle(self._store, [op.settlement for op in settling])
        added = self._add(adding) if adding else []
        made = [(op.future, op.run(self._store)) for op in changes if not op.last]
        others = claim_others(self._store, [op.settlement for op in settling if op.another])
        claimed = [(op.future, op.run(self._store)) for op in changes if op.last]
        settled = [next(others[op.settlement.claim.endpoint], None) if op.another else None for op in settling]
        answers: Answers = list(zip([op.future for op in settling], settled, strict=True))
        answers += zip([op.future for op in adding], added, strict=True)
        return [*answers, *made, *claimed]

    def _add(self, adding: Sequence[Add]) -> Sequence[list[Added] | Unavailable | NoSpace]:
        if self.full:
            return [NoSpace(NO_SPACE)] * len(adding)
        return add(self._store, [op.postings for op in adding])

    def _answer(self, answers: Answers) -> None:
        woken = set(self._store.woken)
        self._store.woken.clear()
        self._loop.call_soon_threadsafe(self._resolve, answers, woken)

    def _resolve(self, answers: Answers, woken: set[str]) -> None:
        for future, answer in answers:
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        if woken:
            self.wake(woken)

    def _count_pages(self, _db: apsw.Connection, _name: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

    def _checkpoint(self) -> None:
        if self._pages < WAL_PAGES or self.broken is not None:
            return
        self._pages = 0
        try:
            self._store.db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except Exception as error:  # noqa: BLE001 - as above
            if isinstance(error, apsw.Error) and no_room(error):
                self.give_up_ballast()
            else:
                self._break([], error)
