"""Jobs that send finished deliveries again, and how far they came.

Law: a job outlives the process. What it has done is noted after it was done, so that after a crash a step may be made
anew; the outbox sees to it that this changes nothing.
"""

from collections.abc import Sequence
from typing import Any

import apsw
from msgspec import structs

from sidecar.errors import Conflicting, NotFound
from sidecar.jobs import Replay, ReplayPart
from sidecar.model import FAR
from sidecar.registry import statements as sql
from sidecar.registry.file import RegistryFile, rows

RUNNING = 20
"""Jobs that run, at most."""

STEP = 500
"""Jobs forgotten in one commit."""


class SqliteReplays:
    """Implements `ports.Replays`."""

    def __init__(self, file: RegistryFile) -> None:
        self._file = file

    async def add(self, replay: Replay) -> Replay:
        def insert(db: apsw.Connection) -> Replay:
            if len(rows(db, sql.RUNNING_REPLAYS)) >= RUNNING:
                raise Conflicting(f"{RUNNING} replays run, which is the most: wait, or cancel one of `GET /replays`")
            about = (replay.endpoint, replay.since, replay.until, int(replay.healthy), " ".join(replay.states))
            db.execute(sql.ADD_REPLAY, (*about, replay.created_at, replay.state, replay.finished_at))
            id_ = db.last_insert_rowid()
            parts = [(id_, place, *structs.astuple(part)) for place, part in enumerate(replay.parts)]
            db.executemany(sql.ADD_REPLAY_PART, parts)
            return structs.replace(replay, id=id_)

        return await self._file.change(insert)

    async def find(self, id_: int) -> Replay:
        return await self._file.look(lambda db: _find(db, id_))

    async def page(self, limit: int, after: int) -> Sequence[Replay]:
        def look(db: apsw.Connection) -> list[Replay]:
            return [_replay(db, row) for row in rows(db, sql.REPLAYS, (after or FAR, limit))]

        return await self._file.look(look)

    async def running(self) -> Sequence[Replay]:
        return await self._file.look(lambda db: [_replay(db, row) for row in rows(db, sql.RUNNING_REPLAYS)])

    async def advance(self, id_: int, part: ReplayPart, now: int) -> None:
        def note(db: apsw.Connection) -> None:
            counts = (part.after, part.resent, part.share, int(part.done))
            db.execute(sql.ADVANCE_REPLAY, (*counts, id_, part.endpoint))
            db.execute(sql.END_REPLAY, (now, id_))

        await self._file.change(note)

    async def cancel(self, id_: int, now: int) -> Replay:
        def end(db: apsw.Connection) -> Replay:
            db.execute(sql.CANCEL_REPLAY, (now, id_))
            return _find(db, id_)

        return await self._file.change(end)

    async def prune(self, before: int) -> int:
        def forget(db: apsw.Connection) -> int:
            gone = rows(db, sql.OLD_REPLAYS, (before, STEP))
            for statement in sql.FORGET_REPLAY:
                db.executemany(statement, gone)
            return len(gone)

        return await self._file.change(forget)


def _find(db: apsw.Connection, id_: int) -> Replay:
    found = rows(db, sql.REPLAY, (id_,))
    if not found:
        raise NotFound(f"there is no replay {id_}, or it ended longer ago than SIDECAR_RETENTION")
    return _replay(db, found[0])


def _replay(db: apsw.Connection, row: Sequence[Any]) -> Replay:
    id_, endpoint, since, until, healthy, states, created_at, state, finished_at = row
    return Replay(
        id=id_,
        endpoint=endpoint,
        since=since,
        until=until,
        healthy=bool(healthy),
        states=tuple(states.split()),
        created_at=created_at,
        state=state,
        finished_at=finished_at,
        parts=tuple(_part(part) for part in rows(db, sql.REPLAY_PARTS, (id_,))),
    )


def _part(row: Sequence[Any]) -> ReplayPart:
    endpoint, since, after, resent, share, done = row
    return ReplayPart(endpoint, since, after, resent, share, done=bool(done))
