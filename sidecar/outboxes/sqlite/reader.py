"""Looking without disturbing: one read-only connection on a thread of its own.

Law: nothing here writes, and no look holds a read transaction longer than one search, so that no commit ever waits
for it.
"""

from collections.abc import Sequence

import apsw

from sidecar.jobs import Again
from sidecar.model import AttemptLog, DeliveryLog, Event, Query, State
from sidecar.outboxes.sqlite import statements as sql
from sidecar.outboxes.sqlite.claiming import to_event
from sidecar.outboxes.sqlite.searching import Search

_STATES: tuple[State, ...] = ("pending", "delivered", "dead")


class Reader:
    """Used on one thread."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def event(self, id_: str) -> Event | None:
        row = next(iter(self._db.execute(sql.EVENT, (id_,))), None)
        return to_event(row) if row else None

    def delivery(self, id_: int) -> DeliveryLog | None:
        statement = sql.LOG.format(source=sql.ALL, where="d.id = :id", order="d.id")
        rows = list(self._db.execute(statement, {"id": id_, "limit": 1}))
        return _entry(rows[0], frozenset()) if rows else None

    def attempts(self, delivery: int) -> list[AttemptLog]:
        return [AttemptLog(*row) for row in self._db.execute(sql.ATTEMPTS, (delivery,))]

    def deliveries(self, query: Query) -> list[DeliveryLog]:
        """All of it as it is at one moment."""
        self._db.execute("BEGIN")
        try:
            return [_entry(row, query.in_flight) for row in Search(self._db, query).rows()]
        finally:
            self._db.execute("COMMIT")

    def finished(self, endpoint: int, which: Again, after: int, limit: int) -> tuple[list[int], tuple[int, int]]:
        """As `Search.finished`."""
        self._db.execute("BEGIN")
        try:
            query = Query(since=which.since, until=which.until, limit=limit)
            return Search(self._db, query).finished(endpoint, which, after)
        finally:
            self._db.execute("COMMIT")

    def oldest(self, endpoints: Sequence[int]) -> dict[int, int]:
        """Since when the oldest delivery of each endpoint is owed; 0 for none."""
        return {e: next((row[0] for row in self._db.execute(sql.OLDEST, (e,))), 0) for e in endpoints}


def _entry(row: Sequence[object], flying: frozenset[int]) -> DeliveryLog:
    values: list[object] = list(row[:14])
    overtaken, holder, hold_until, head = row[14:]
    assert isinstance(values[0], int)
    assert isinstance(values[6], int)
    id_, state = values[0], values[6]
    values[6] = "delivering" if id_ in flying and state == 0 else _STATES[state]
    held = isinstance(holder, int) and state == 0 and not overtaken and id_ > holder
    behind = head if isinstance(head, int) and state == 0 and head != id_ else 0
    return DeliveryLog(*values, *((holder, hold_until) if held else (0, 0)), behind)  # type: ignore[arg-type, call-arg] # columns are STRICT
