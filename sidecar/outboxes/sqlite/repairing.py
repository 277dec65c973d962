"""What comes from outside the road of an event: make due, send again, expire, forget.

Law: every one of these works in bounded steps, so that the commits of others never wait long behind it.
"""

import json
from collections.abc import Sequence

from sidecar.outboxes.sqlite import statements as sql
from sidecar.outboxes.sqlite.marks import BLOCK
from sidecar.outboxes.sqlite.store import DEAD, DELIVERED, ENDING, PENDING, Store

EXPIRED = "expired"


def release(store: Store, name: str, now: int, limit: int) -> int:
    """What failed through the endpoint is due at `now`, up to `limit`."""
    endpoint = store.ids.get(name)
    if endpoint is None:
        return 0
    rows = list(store.db.execute(sql.FAULTY, (endpoint, now, limit)))
    if rows:
        store.db.execute(sql.MAKE_DUE, (now, json.dumps([id_ for id_, _ in rows])))
        store.reset_heads(lane for _, lane in rows)
        store.woken.add(name)
    return len(rows)


def resend(store: Store, delivery: int, now: int) -> bool:
    """Owe a delivery again. A finished one overtakes: it is out of its order anyway."""
    row = next(iter(store.db.execute(sql.FIND, (delivery,))), None)
    if row is None:
        return False
    endpoint, lane, seq, state = row
    if store.memory.claimed.get(endpoint, {}).get(lane) == delivery:
        return False
    if state == PENDING:
        store.db.execute(sql.MAKE_DUE, (now, json.dumps([delivery])))
    else:
        store.db.execute(sql.OWE_AGAIN, (delivery, now))
        store.db.execute(sql.ENTER_LANE, (lane, endpoint))
        opened, size = next(iter(store.db.execute(sql.REOPEN, (seq,))))
        store.owes(size if opened == 1 else 0)
        store.count(endpoint, pending=1, delivered=-int(state == DELIVERED), dead=-int(state == DEAD))
    store.reset_heads([lane])
    store.woken.add(store.names[endpoint])
    return True


def replay(
    store: Store, endpoint: int, found: Sequence[int], finished_by: int, now: int, *, most: int
) -> tuple[list[int], bool]:
    """Owe again those of `found` that are still as they were, oldest first, as many as there is room for: which, and
    whether that was all of them."""
    room = most - next(iter(store.db.execute(sql.OWED_AGAIN, (endpoint, finished_by, most))))[0]
    still = [id_ for (id_,) in store.db.execute(sql.STILL_FINISHED, (json.dumps(found), finished_by))]
    taken = still[: max(0, room)]
    for id_ in taken:
        resend(store, id_, now)
    return taken, len(taken) == len(still)


def expire(store: Store, name: str, before: int, now: int, limit: int) -> list[int]:
    """End what has been owed since before `before`."""
    endpoint = store.ids.get(name)
    if endpoint is None:
        return []
    found = list(store.db.execute(sql.EXPIRED, (endpoint, before, store.in_flight(endpoint), limit)))
    if found:
        for id_, lane, seq, made, tries, status in found:
            store.happen(ENDING, id_, lane, seq, DEAD, tries, now, EXPIRED, made, status)
            store.count(endpoint, pending=-1, dead=1)
        store.woken.add(name)
    return [id_ for id_, *_ in found]


def forget(store: Store, before: int, limit: int) -> int:
    """Delete up to `limit` events finished before `before`, oldest first, with all that is known of them."""
    seqs = json.dumps([seq for (seq,) in store.db.execute(sql.FINISHED, (before, limit))])
    gone = json.loads(seqs)
    if gone:
        for endpoint, delivered, dead in list(store.db.execute(sql.FORGOTTEN, (seqs,))):
            store.count(endpoint, delivered=-delivered, dead=-dead)
        for statement in sql.FORGET:
            store.db.execute(statement, (seqs,))
        store.db.execute(sql.DROP_MARKS, (BLOCK,))
    return len(gone)


def drop_idle(store: Store, now: int, limit: int) -> None:
    """Forget lanes that are empty and whose last failure no longer counts."""
    for endpoint, health in store.memory.health.items():
        store.db.execute(sql.DROP_IDLE, (endpoint, health.flow_at(now) - store.hold, limit))
