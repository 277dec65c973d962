"""Group commit: one thread, one connection, one fsync for all that came in meanwhile.

Law: nobody hears of a change before its commit is on disk. A full disk rolls back and goes on; any other failure of
a write or an fsync is final: every call from then on raises `OutboxBroken`, and nothing is ever tried again.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import apsw

from sidecar.errors import NoSpace, OutboxBroken, Unavailable
from sidecar.model import Added, Claim, Claimed, Posting, Settlement
from sidecar.outboxes.sqlite.adding import add
from sidecar.outboxes.sqlite.ballast import Ballast
from sidecar.outboxes.sqlite.claiming import claim, claim_others, holds_over, stand
from sidecar.outboxes.sqlite.files import WAY_OUT
from sidecar.outboxes.sqlite.settling import settle
from sidecar.outboxes.sqlite.store import Store
from sidecar.sqlitefile import no_room

BATCH = 512
"""Operations from which on a commit waits for no more."""

FEW = 8
"""Verdicts that are always taken together."""

A_TURN = 8
"""Answers that are given in one turn of the event loop."""

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
class Take:
    """A claim; its arguments."""

    endpoint: str
    limit: int
    now: int
    flow: int
    standing: bool
    future: asyncio.Future[Claimed]


@dataclass(slots=True, frozen=True)
class Change:
    """Anything else that is done to the store."""

    run: Callable[[Store], object]
    future: asyncio.Future[Any]


Op = Settle | Add | Take | Change


def share(waiting: Sequence[Op]) -> tuple[list[Op], list[Op]]:
    """Of what waits, what the next commit is for, and what is left: of many verdicts half. While those are written, the
    event loop makes the deliveries that came with the others; else each would wait for the other in turn."""
    verdicts = [op for op in waiting if isinstance(op, Settle)]
    half = max(FEW, (len(verdicts) + 1) // 2)
    others = [op for op in waiting if not isinstance(op, Settle)]
    return [*verdicts[:half], *others], [*verdicts[half:]]


Answers = list[tuple[asyncio.Future[Any], object]]


class Writer(threading.Thread):
    """`submit` from the event loop.

    Attributes:
        full: the disk was, and there is no room for the ballast yet: nothing is added.
        broken: set once the store can no longer be trusted; `failed` is then set, too.
        wake: called on the event loop with the endpoints where something may have become due.
        hand: called there with an endpoint and what was taken for its standing claim.
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
        self.hand: Callable[[str, Sequence[Claim]], None] = lambda _endpoint, _claims: None
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[list[Op] | None] = queue.SimpleQueue()
        self._gathered: list[Op] = []
        self._waiting: list[Op] = []
        self._ended = False
        self._try_ballast_at = 0
        self._pages = 0
        self._changes = 0
        self._stopped = False
        self.full = False
        self.broken: OutboxBroken | None = None

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
        while batch := self._gather():
            self._answer(self._surely(batch))
            self._checkpoint()

    def _gather(self) -> list[Op]:
        """What the next commit is for; nothing once all is done."""
        while not self._ended and len(self._waiting) < BATCH and not (self._waiting and self._queue.empty()):
            ops = self._queue.get()
            self._ended = ops is None
            self._waiting += ops or ()
        batch, self._waiting = share(self._waiting)
        return batch

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
        try:
            return self._run_all(batch)
        except BaseException:
            store.memory = before
            store.rows.clear()
            store.changed.clear()
            store.woken.clear()
            store.handed.clear()
            store.recent.forget()  # numbers that were not stored are given again
            if store.db.in_transaction:
                store.db.execute("ROLLBACK")
            raise

    def _run_all(self, batch: list[Op]) -> Answers:
        """Settlements free lanes, additions fill them, changes see both, and claims all of them. Who claims nothing has
        an answer as soon as it is on disk."""
        store = self._store
        settling = [op for op in batch if isinstance(op, Settle)]
        asking = [op for op in settling if op.another]
        adding = [op for op in batch if isinstance(op, Add)]
        taking = [op for op in batch if isinstance(op, Take)]
        changes = [op for op in batch if isinstance(op, Change)]
        settle(store, [op.settlement for op in settling])
        answers: Answers = [*zip([op.future for op in adding], self._add(adding), strict=True)]
        answers += [(op.future, None) for op in settling if not op.another]
        if changes or not store.one_step or self._ends_holds(asking, taking):
            answers += self._in_steps(changes)
            answers += self._claim(asking, taking)
            self._save()
            store.look()
            self._timed(partial(store.db.execute, "COMMIT"))
            return answers
        if store.rows:
            self._timed(self._save)
        return self._then_claim(answers, asking, taking)

    def _ends_holds(self, asking: Sequence[Settle], taking: Sequence[Take]) -> bool:
        """Whether a claim will have to write."""
        flows = {op.endpoint: op.flow for op in taking}
        for op in asking:
            name = op.settlement.claim.endpoint
            flows[name] = max(op.settlement.flow, flows.get(name, 0))
        return any(holds_over(self._store, name, flow) for name, flow in flows.items())

    def _in_steps(self, changes: Sequence[Change]) -> Answers:
        """What takes more than one step begins a transaction."""
        self._store.db.execute("BEGIN IMMEDIATE")
        self._changes = self._store.db.total_changes()
        self._store.flush()
        made = [(op.future, op.run(self._store)) for op in changes]
        self._store.flush()
        return made

    def _save(self) -> None:
        if self._store.rows or self._store.db.total_changes() != self._changes:
            self._store.save(self._now())

    def _then_claim(self, answers: Answers, asking: Sequence[Settle], taking: Sequence[Take]) -> Answers:
        """After the commit: `answers` are given, and what is claimed is returned. A failure, of whatever kind, must not
        have the batch written once more."""
        try:
            self._store.look()
            self._answer(answers)
            return self._claim(asking, taking)
        except apsw.Error as error:
            raise OutboxBroken(f"{type(error).__name__}: {error}") from error

    def _claim(self, asking: Sequence[Settle], taking: Sequence[Take]) -> Answers:
        """What settlements and claims get. Claims write nothing, but where a hold ends."""
        store = self._store
        found = claim_others(store, [op.settlement for op in asking])
        answers: Answers = [(op.future, next(found[op.settlement.claim.endpoint], None)) for op in asking]
        for op in taking:
            stand(store, op.endpoint, standing=op.standing)
            answers.append((op.future, claim(store, op.endpoint, op.limit, op.now, op.flow)))
        return answers

    def _add(self, adding: Sequence[Add]) -> Sequence[list[Added] | Unavailable | NoSpace]:
        if self.full:
            return [NoSpace(NO_SPACE)] * len(adding)
        if not adding:
            return ()
        return add(self._store, [op.postings for op in adding])

    def _answer(self, answers: Answers) -> None:
        """And who may have something to do is woken."""
        store = self._store
        woken, store.woken = store.woken, set()
        handed, store.handed = store.handed, {}
        if answers or woken:
            self._loop.call_soon_threadsafe(self._tell, answers, woken, handed)

    def _tell(self, answers: Answers, woken: set[str], handed: Mapping[str, Sequence[Claim]]) -> None:
        """What was taken is begun before its caller hears of it; who waits for an answer gets one, whatever happens."""
        try:
            for endpoint, claims in handed.items():
                self.hand(endpoint, claims)
        finally:
            self._resolve(answers, woken)

    def _resolve(self, answers: Answers, woken: set[str]) -> None:
        """Few at a time: most answers begin a delivery, and what else comes in meanwhile should not wait for all."""
        for future, answer in answers[:A_TURN]:
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        if len(answers) > A_TURN:
            self._loop.call_soon(self._resolve, answers[A_TURN:], woken)
        elif woken:
            self.wake(woken)

    def _checkpoint(self) -> None:
        self._pages += self._store.db.status(apsw.SQLITE_DBSTATUS_CACHE_WRITE, reset=True)[0]
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
