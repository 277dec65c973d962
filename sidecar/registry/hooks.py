"""The log of what came in: what a forge had built, so that the same again is known; what was relayed; what was refused.

Law: what is built is on disk before it is answered. The rest is written a little later, many at once; what is refused
may be anybody's doing, so what is alike counts as one. Each kind has a bound of its own and fills only its own corner.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import apsw
from msgspec import structs

from sidecar.errors import NoSpace, RegistryBroken
from sidecar.incoming import Hook
from sidecar.model import FAR
from sidecar.registry import statements as sql
from sidecar.registry.file import RegistryFile, rows

KEPT, REFUSED, RELAYED = 10_000, 1000, 1000
"""Of each kind, at most; a shelf for each, in this order."""

SHELVES = {"refused": 1, "relayed": 2}
WAITING = 1000
"""Notes in memory, of each kind; from half of it on they are written without being asked for."""

STEP = 500
"""Rows forgotten in one commit."""


class SqliteHooks:
    """Implements `ports.Hooks`."""

    def __init__(self, file: RegistryFile) -> None:
        self._file = file
        self._noted: dict[tuple[object, ...], Hook] = {}
        self._again: dict[int, tuple[int, int]] = {}
        self._writing: asyncio.Future[None] | None = None

    async def known(self, key: bytes, since: int) -> Hook | None:
        return await self._file.look(lambda db: _one(db, key, since))

    async def keep(self, hook: Hook, since: int = 0) -> Hook:
        def insert(db: apsw.Connection) -> Hook:
            if there := _one(db, hook.key, since):
                return there
            db.execute(sql.FORGET_KEY, (hook.key,))
            _add(db, hook)
            return structs.replace(hook, id=db.last_insert_rowid(), last_at=hook.last_at or hook.at)

        return await self._file.change(insert)

    def came_again(self, hook: Hook, at: int) -> None:
        if hook.id in self._again or len(self._again) < WAITING:
            self._again[hook.id] = (self._again.get(hook.id, (0, 0))[0] + 1, at)

    def note(self, hook: Hook) -> None:
        """In memory: of more than `WAITING` that differ, the newest."""
        alike = (hook.route, hook.status, hook.reason, hook.project, hook.package, hook.address, hook.delivery)
        if earlier := self._noted.pop(alike, None):
            hook = structs.replace(hook, at=earlier.at, last_at=hook.at, times=earlier.times + 1)
        elif len(self._noted) >= WAITING:
            del self._noted[next(iter(self._noted))]
        self._noted[alike] = hook
        if len(self._noted) > WAITING // 2 and (self._writing is None or self._writing.done()):
            self._writing = asyncio.ensure_future(self._try_writing())

    async def page(self, limit: int, after: int) -> Sequence[Hook]:
        await self._try_writing()
        return await self._file.look(lambda db: [_hook(row) for row in rows(db, sql.HOOKS, (after or FAR, limit))])

    async def prune(self, before: int) -> int:
        await self._write()
        return await self._file.change(lambda db: _prune(db, before))

    async def close(self) -> None:
        """What is only in memory is written."""
        await self._try_writing()

    async def _try_writing(self) -> None:
        """Without a word where there is no room: what is on disk can still be read."""
        with suppress(NoSpace, RegistryBroken):
            await self._write()

    async def _write(self) -> None:
        """What is only in memory."""
        noted, self._noted = list(self._noted.values()), {}
        again, self._again = [(id_, *more) for id_, more in self._again.items()], {}

        def write(db: apsw.Connection) -> None:
            for hook in noted:
                _add(db, hook)
            db.executemany(sql.HOOK_AGAIN, again)

        if noted or again:
            await self._file.change(write)


def _one(db: apsw.Connection, key: bytes, since: int) -> Hook | None:
    return next((_hook(row) for row in rows(db, sql.HOOK_BY_KEY, (key, since))), None)


def _hook(row: Sequence[Any]) -> Hook:
    id_, key, _, *values = row
    names = ("at", "last_at", "times", "route", "outcome", "status", "project", "package", "forge", "kind", "delivery",
             "signature", "address", "reason", "answer")  # fmt: skip
    return Hook(id=id_, key=key or b"", **dict(zip(names, values, strict=True)))


def _add(db: apsw.Connection, hook: Hook) -> None:
    given = structs.asdict(hook)
    kept = {"key": hook.key or None, "shelf": SHELVES.get(hook.outcome, 0), "last_at": hook.last_at or hook.at}
    db.execute(sql.ADD_HOOK, {**given, **kept})


def _prune(db: apsw.Connection, before: int) -> int:
    changes = db.total_changes()
    db.execute(sql.FORGET_OLD_HOOKS, (before, STEP))
    for shelf, most in enumerate((KEPT, REFUSED, RELAYED)):
        db.execute(sql.FORGET_MANY_HOOKS, (shelf, most, STEP))
    if gone := db.total_changes() - changes:
        db.execute("PRAGMA incremental_vacuum(100)").fetchall()
    return gone
