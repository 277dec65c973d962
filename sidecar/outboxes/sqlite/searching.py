"""The log is searched: deliveries, newest first, by whatever is asked.

Law: one read transaction a search, and no search reads the whole log where there is a shorter way: a way brings the
numbers of those it may be, newest first and as far as they are wanted, and each is then looked at in full.

    in flight                   the numbers the dispatcher tells
    of an event                 the index of its deliveries
    pending, dead               an index each, by endpoint
    of an endpoint or subject   the marks
    anything else               all deliveries, newest first
"""

import heapq
import json
from collections.abc import Iterator, Sequence
from itertools import islice

import apsw

from sidecar.jobs import Again
from sidecar.model import Query
from sidecar.outboxes.sqlite import statements as sql
from sidecar.outboxes.sqlite.marks import BLOCK, find

NEAR = 10_000
"""Events are accepted in the order of their numbers, but for what came in at the same moment: within so many ms."""

FEW = 20_000
"""Deliveries that are quickly looked at one by one."""

RARE = 8
"""An endpoint with less than one in so many deliveries is found by the marks, others by reading through all."""

STEP = 100, 1600
"""Deliveries looked at at once: at first, and at most."""

Row = Sequence[object]
Span = tuple[int, int]
"""The first and the last delivery number that may be."""

_FILTERS = {
    "endpoint": "n.name = :endpoint",
    "event": "e.id = :event",
    "subject": "e.subject = :subject",
    "since": "e.accepted_at >= :since",
    "until": "e.accepted_at < :until",
}

_BY_STATE = {
    "pending": "d.state = 0 AND d.id NOT IN (SELECT value FROM json_each(:flying))",
    "delivering": "d.state = 0 AND d.id IN (SELECT value FROM json_each(:flying))",
    "delivered": "d.state = 1",
    "dead": "d.state = 2",
}


class Search:
    """One search: what is asked, and how much there is, by endpoint."""

    def __init__(self, db: apsw.Connection, query: Query) -> None:
        self._db = db
        self._query = query
        known = {name: (id_, counts) for id_, name, _, *counts in db.execute(sql.ENDPOINTS)}
        self._total = sum(sum(counts) for _, counts in known.values())
        wanted = [query.endpoint] if query.endpoint else list(known)
        self._endpoints: dict[int, list[int]] = dict(known[name] for name in wanted if name in known)

    def finished(self, endpoint: int, which: Again, after: int) -> tuple[list[int], Span]:
        """Numbers behind `after`, oldest first, of what is to be owed again, and where they may be. Of the query the
        times and the limit count."""
        first, last = self._span()
        given = {"endpoint": endpoint, "first": max(first, after + 1), "last": last, "limit": self._query.limit}
        times = {"since": which.since, "until": which.until, "finished_by": which.finished_by}
        statement = sql.AGAIN.format(**sql.AGAIN_STATES[tuple(sorted(which.states))])
        return [id_ for (id_,) in self._db.execute(statement, given | times)], (first, last)

    def rows(self) -> list[Row]:
        """As `LOG` selects them, at most `query.limit`."""
        span = self._span()
        if span[0] > span[1] or not self._endpoints:
            return []
        way = self._way(span)
        if way is None:
            return self._look(sql.ALL, "d.id", {"first": span[0], "last": span[1]}, self._query.limit)
        found: list[Row] = []
        step, most = STEP
        while (missing := self._query.limit - len(found)) and (ids := list(islice(way, step))):
            found += self._look(sql.THESE, "these.key", {"ids": json.dumps(ids)}, missing)
            step = min(2 * step, most)
        return found

    def _span(self) -> Span:
        query = self._query
        first, last = next(iter(self._db.execute(sql.NUMBERS)))
        if query.after:
            last = min(last, query.after - 1)
        if query.since:
            first = self._accepted(query.since - NEAR, first, last)
        if query.until:
            last = self._accepted(query.until + NEAR, first, last)
        return first, last

    def _accepted(self, moment: int, first: int, last: int) -> int:
        """The first delivery from which on events were accepted at `moment` or later; `last` where there is none."""
        while first < last:
            middle = (first + last) // 2
            accepted, _ = next(iter(self._db.execute(sql.ACCEPTED, (middle,))))
            first, last = (first, middle) if accepted >= moment else (middle + 1, last)
        return first

    def _way(self, span: Span) -> Iterator[int] | None:
        """Numbers of those it may be, newest first; None: all there are."""
        query = self._query
        if query.state == "delivering":
            return iter(sorted((id_ for id_ in query.in_flight if span[0] <= id_ <= span[1]), reverse=True))
        if query.event:
            return (id_ for (id_,) in self._db.execute(sql.OF_EVENT, (query.event, *span)))
        place = {"pending": 0, "dead": 2}.get(query.state)
        if place is not None and (not query.subject or self._count(place) <= FEW):
            return self._indexed(place, span)
        if query.subject or (query.endpoint and self._count(0, 1, 2) * RARE < self._total):
            return self._marked(span)
        return None

    def _count(self, *places: int) -> int:
        return sum(counts[place] for counts in self._endpoints.values() for place in places)

    def _indexed(self, place: int, span: Span) -> Iterator[int]:
        statements = [sql.DEAD] if place else [sql.PENDING.format(overtaken=overtaken) for overtaken in (0, 1)]
        endpoints = [endpoint for endpoint, counts in self._endpoints.items() if counts[place]]
        streams = [self._db.execute(each, (endpoint, *span)) for endpoint in endpoints for each in statements]
        return (id_ for (id_,) in heapq.merge(*streams, reverse=True))

    def _marked(self, span: Span) -> Iterator[int]:
        one = next(iter(self._endpoints)) if self._query.endpoint else None
        for block, marks in self._db.execute(sql.MARKS, (span[0] // BLOCK, span[1] // BLOCK)):
            for place in find(marks, endpoint=one, subject=self._query.subject or None):
                if span[0] <= block * BLOCK + place <= span[1]:
                    yield block * BLOCK + place

    def _look(self, source: str, order: str, given: dict[str, object], limit: int) -> list[Row]:
        """Those of `source` that are what is asked for."""
        query = self._query
        where = [_FILTERS[name] for name in _FILTERS if getattr(query, name)]
        given |= {name: getattr(query, name) for name in _FILTERS if getattr(query, name)}
        if query.state:
            where.append(_BY_STATE[query.state])
            if query.state in ("pending", "delivering"):
                given["flying"] = json.dumps(sorted(query.in_flight))
        if source == sql.ALL:
            where.append("d.id BETWEEN :first AND :last")
            order += " DESC"
        statement = sql.LOG.format(source=source, where=" AND ".join(where) or "true", order=order)
        return list(self._db.execute(statement, given | {"limit": limit}))
