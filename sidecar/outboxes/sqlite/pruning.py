"""Forgetting what is finished, a little at a time, and giving the space back.

Law: only what is owed counts against `SIDECAR_MAX_OUTBOX_SIZE`; the log of what is finished takes what is left, up
to 80 %.
"""

from sidecar.model import FAR
from sidecar.outboxes.sqlite import statements as sql
from sidecar.outboxes.sqlite.repairing import drop_idle, forget
from sidecar.outboxes.sqlite.store import Store

SHARE = 0.8
"""Of the outbox's size, from which on the oldest finished go before their time."""


def prune(store: Store, before: int, limit: int) -> int:
    """One step: how many events were forgotten; 0 when there is nothing more to do now."""
    page = store.db.pragma("page_size")
    used = next(iter(store.db.execute(sql.USED)))[0]
    assert isinstance(page, int)
    gone = forget(store, FAR if used * page > SHARE * store.max_size else before, limit)
    drop_idle(store, store.memory.totals["written"], limit)
    if gone:
        store.db.execute("PRAGMA incremental_vacuum(1000)").fetchall()
    return gone
