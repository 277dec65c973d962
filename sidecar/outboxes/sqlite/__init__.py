"""The embedded engine. Law: `open_outbox` is all that others know of it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from sidecar.errors import NoSpace, OutboxBroken
from sidecar.outboxes.sqlite.ballast import Ballast
from sidecar.outboxes.sqlite.engine import SqliteOutbox
from sidecar.outboxes.sqlite.files import open_reader, open_writer
from sidecar.outboxes.sqlite.store import Store
from sidecar.outboxes.sqlite.writer import Change, Writer

__all__ = ["open_outbox"]


async def open_outbox(
    directory: Path,
    *,
    now: Callable[[], int],
    hold: int,
    order: str,
    max_size: int,
    vfs: str = "",
    ballast: int = 16 * 2**20,
    timed: Callable[[Callable[[], object]], object] = lambda commit: commit(),
) -> SqliteOutbox:
    """Open or make the outbox in `directory`; where there is no room for that, in the room of the ballast, and then
    nothing is added until it can be made again.

    Args:
        directory: where `outbox.sqlite3` and `ballast` are.
        now: `Clock.now`; called on another thread.
        hold: `SIDECAR_ORDER_HOLD`, ms.
        order: `subject` or `none`.
        max_size: `SIDECAR_MAX_OUTBOX_SIZE`, bytes.
        vfs: SQLite's, for tests of a failing disk.
        ballast: bytes held back for a full disk.
        timed: runs a commit, on another thread, and may note how long it took.

    Raises:
        OutboxBroken: the file is damaged, of another program or a newer version.
        NoSpace: there is no room to open it.
    """
    loop = asyncio.get_running_loop()
    weight = Ballast(directory / "ballast", ballast)
    full = False
    try:
        db = await loop.run_in_executor(None, open_writer, directory, vfs)
    except NoSpace:
        full = weight.drop()
        db = await loop.run_in_executor(None, open_writer, directory, vfs)
    store = Store(db, hold if order == "subject" else 0, order, max_size)
    try:
        store.load()
        reader = open_reader(directory, vfs)
    except Exception as error:
        db.close()
        raise OutboxBroken(f"the outbox in {directory} cannot be read: {error}") from error
    writer = Writer(store, weight, now, timed)
    outbox = SqliteOutbox(store, writer, reader)
    if full:
        writer.give_up_ballast()
    writer.start()
    if not full:
        weighing: asyncio.Future[bool] = loop.create_future()
        weighing.add_done_callback(lambda made: made.cancelled() or made.exception())
        writer.submit(Change(lambda _: weight.make(), weighing))
    return outbox
