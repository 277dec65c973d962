"""What the tests of the SQLite engine on a bad disk share: a running outbox, events, verdicts, and the look afterwards.

Law: one place for each; nothing here knows what a disk does. Time is a number that a test moves.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import apsw

from sidecar.model import Attempt, Claim, Event, Posting, Query, Response, Settlement, Verdict, fingerprint
from sidecar.outboxes.sqlite import open_outbox
from sidecar.ports import Outbox

NOON = 1_800_000_000_000
HOLD = 600_000
SECOND = 1_000
HOOK = "hook"
KIB = 2**10
NAME = "outbox.sqlite3"


class Watch:
    """A clock that a test moves on."""

    time = NOON

    def now(self) -> int:
        return self.time


@asynccontextmanager
async def running(
    directory: Path, vfs: str = "", *, watch: Watch | None = None, ballast: int = 0
) -> AsyncIterator[Outbox]:
    """An open outbox, closed in the end whatever its disk does: SQLite is silent when closing fails, but apsw tells
    what a VFS in Python raised meanwhile."""
    await asyncio.to_thread(directory.mkdir, exist_ok=True)
    clock = watch or Watch()
    outbox = await open_outbox(
        directory, now=clock.now, hold=HOLD, order="subject", max_size=2**30, vfs=vfs, ballast=ballast
    )
    try:
        yield outbox
    finally:
        with suppress(apsw.Error):
            await outbox.close()


def posting(name: str, size: int = KIB) -> Posting:
    """One event of a subject of its own, for HOOK."""
    body = bytes(size)
    return Posting(Event(name, "drone", "build:created", name, body, fingerprint(body), NOON), (HOOK,))


def settlement(claim: Claim, verdict: Verdict, *, at: int = NOON, flow: int = 0) -> Settlement:
    attempt = Attempt(claim.number, at, 1_000, Response(200, bytes(2 * KIB)))
    return Settlement(claim, attempt, verdict, at, flow)


async def claims(outbox: Outbox) -> tuple[Claim, ...]:
    """All that is owed to HOOK and not in flight."""
    return (await outbox.claim(HOOK, 10_000, NOON + HOLD, HOLD)).claims


def check_file(directory: Path) -> None:
    db = apsw.Connection(str(directory / NAME), flags=apsw.SQLITE_OPEN_READONLY)
    assert db.pragma("integrity_check") == "ok"
    db.close()


async def check(directory: Path, promised: set[str], perhaps: set[str] | None = None) -> None:
    """After a restart on a disk that works: all that was promised, and of what else was asked for nothing by halves."""
    asked = perhaps or set()
    async with running(directory) as outbox:
        rows = await outbox.deliveries(Query(limit=10_000))
        there = {row.event for row in rows}
        pending = {row.event for row in rows if row.state == "pending"}
        assert promised <= there <= promised | asked
        assert {claim.event.id for claim in await claims(outbox)} == pending
        assert (await outbox.counts())[HOOK].pending == len(pending)
        assert [name for name in asked - there if await outbox.event(name)] == []
    check_file(directory)
