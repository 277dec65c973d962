"""Looking without disturbing: one read-only connection on a thread of its own.

Law: nothing here writes, and no look holds a read transaction longer than one query, so that no commit ever waits
for it.
"""

import json
from collections.abc import Sequence

import apsw

from sidecar.model import AttemptLog, DeliveryLog, Event, Query, State
from sidecar.outboxes.sqlite import statements as sql
from sidecar.outboxes.sqlite.claiming import to_event

_STATES: tuple[State, ...] = ("pending", "delivered", "dead")

_FILTERS = {
    "endpoint": "n.name = :endpoint",
    "event": "e.id = :event",
    "subject": "e.subject = :subject",
    "since": "e.accepted_at >= :since",
    "until": "e.accepted_at < :until",
    "after": "d.id < :after",
}

_BY_STATE = {
    "pending": "d.state = 0 AND d.id NOT IN (SELECT value FROM json_each(:flying))",
    "delivering": "d.state = 0 AND d.id IN (SELECT value FROM json_each(:flying))",
    "delivered": "d.state = 1",
    "dead": "d.state = 2",
}


class Reader:
    """Used on one thread."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def event(self, id_: str) -> Event | None:
        row = next(iter(self._db.execute(sql.EVENT, (id_,))), None)
        return to_event(row) if row else None

    def delivery(self, id_: int) -> DeliveryLog | None:
        rows = self._log("d.id = :id", {"id": id_, "limit": 1}, frozenset())
        return rows[0] if rows else None

    def attempts(self, delivery: int) -> list[AttemptLog]:
        return [AttemptLog(*row) for row in self._db.execute(sql.ATTEMPTS, (delivery,))]

    def deliveries(self, query: Query) -> list[DeliveryLog]:
        given = {name: getattr(query, name) for name in _FILTERS if getattr(query, name)}
        where = [_FILTERS[name] for name in given]
        if query.state:
            where.append(_BY_STATE[query.state])
            if query.state in ("pending", "delivering"):
                given["flying"] = json.dumps(sorted(query.in_flight))
        given["limit"] = query.limit
        return self._log(" AND ".join(where) or "true", given, query.in_flight)

    def oldest(self, endpoints: Sequence[int]) -> dict[int, int]:
        """Since when the oldest delivery of each endpoint is owed; 0 for none."""
        return {e: next((row[0] for row in self._db.execute(sql.OLDEST, (e,))), 0) for e in endpoints}

    def _log(self, where: str, given: dict[str, object], flying: frozenset[int]) -> list[DeliveryLog]:
        rows = self._db.execute(sql.LOG.format(where=where), given)
        return [_entry(row, flying) for row in rows]


def _entry(row: Sequence[object], flying: frozenset[int]) -> DeliveryLog:
    values: list[object] = list(row[:14])
    overtaken, holder, hold_until = row[14:]
    assert isinstance(values[0], int)
    assert isinstance(values[6], int)
    id_, state = values[0], values[6]
    values[6] = "delivering" if id_ in flying and state == 0 else _STATES[state]
    held = isinstance(holder, int) and state == 0 and not overtaken and id_ > holder
    return DeliveryLog(*values, *((holder, hold_until) if held else (0, 0)))  # type: ignore[arg-type, call-arg] # columns are STRICT
