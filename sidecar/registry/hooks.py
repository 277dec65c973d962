"""The log of what came in: what was taken, so that the same again is known; and what was refused.

Law: what was taken is on disk before it is answered. What was refused may be anybody's doing: it is counted apart, is
written a little later, many at once, and what is alike counts as one; so who floods us only ever fills his own corner.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import apsw
from msgspec import structs

from sidecar.errors import NoSpace
from sidecar.incoming import Hook
from sidecar.model import FAR
from sidecar.registry import statements as sql
from sidecar.registry.file import RegistryFile, rows

KEPT, REFUSED = 10_000, 1000
"""Of what was taken, and of what was refused, at most."""

STEP = 500
"""Rows forgotten in one commit."""


class SqliteHooks:
    """Implements `ports.Hooks`."""

    def __init__(self, file: RegistryFile) -> None:
        self._file = file
        self._refused: dict[tuple[object, ...], Hook] = {}
        self._again: dict[int, tuple[int, int]] = {}

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
        """Noted in memory, of `REFUSED` at most; written with the refusals."""
        if hook.id in self._again or len(self._again) < REFUSED:
            self._again[hook.id] = (self._again.get(hook.id, (0, 0))[0] + 1, at)

    def refuse(self, hook: Hook) -> None:
        """Noted in memory: of more than `REFUSED` that differ, the newest."""
        alike = (hook.route, hook.status, hook.reason, hook.project, hook.package, hook.address)
        if earlier := self._refused.pop(alike, None):
            hook = structs.replace(hook, at=earlier.at, last_at=hook.at, times=earlier.times + 1)
        elif len(self._refused) >= REFUSED:
            del self._refused[next(iter(self._refused))]
        self._refused[alike] = hook

    async def page(self, limit: int, after: int) -> Sequence[Hook]:
        with suppress(NoSpace):  # what there is can still be read
            await self._write()
        return await self._file.look(lambda db: [_hook(row) for row in rows(db, sql.HOOKS, (after or FAR, limit))])

    async def prune(self, before: int) -> int:
        await self._write()
        return await self._file.change(lambda db: _prune(db, before))

    async def _write(self) -> None:
        """What is only in memory."""
        refused, self._refused = list(self._refused.values()), {}
        again, self._again = [(id_, *more) for id_, more in self._again.items()], {}

        def write(db: apsw.Connection) -> None:
            for hook in refused:
                _add(db, hook)
            db.executemany(sql.HOOK_AGAIN, again)

        if refused or again:
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
    kept = {"key": hook.key or None, "refused": int(hook.outcome == "refused"), "last_at": hook.last_at or hook.at}
    db.execute(sql.ADD_HOOK, {**given, **kept})


def _prune(db: apsw.Connection, before: int) -> int:
    changes = db.total_changes()
    db.execute(sql.FORGET_OLD_HOOKS, (before, STEP))
    for refused, most in ((0, KEPT), (1, REFUSED)):
        db.execute(sql.FORGET_MANY_HOOKS, (refused, most, STEP))
    if gone := db.total_changes() - changes:
        db.execute("PRAGMA incremental_vacuum(100)").fetchall()
    return gone
