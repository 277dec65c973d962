"""Events come in: numbered, checked for their id, stored with all that they owe.

Law: a batch is taken whole or refused whole; nothing is written before all of them are looked at.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from sidecar.errors import Unavailable
from sidecar.model import Accepted, Added, Claim, Conflict, Event, Owed, Posting
from sidecar.outboxes.sqlite import statements as sql
from sidecar.outboxes.sqlite.claiming import idle, take_at_once
from sidecar.outboxes.sqlite.marks import mark, put
from sidecar.outboxes.sqlite.store import ARRIVING, OWING, Store

FULL = (
    "more is owed than SIDECAR_MAX_OUTBOX_SIZE allows; it goes on as endpoints take deliveries "
    "(`sidecar endpoints` shows which do not)"
)


@dataclass(slots=True)
class _Intake:
    """Ids seen (id -> event number, fingerprint) and what is new, in order."""

    known: dict[str, tuple[int, bytes]]
    fresh: dict[int, tuple[Posting, tuple[Owed, ...]]] = field(default_factory=dict)


def add(store: Store, batches: Sequence[Sequence[Posting]]) -> list[list[Added] | Unavailable]:
    """One answer for each batch; one that finds the outbox full is refused, the others go in."""
    intake = _Intake(_known(store, [p.event.id for batch in batches for p in batch if not p.new]))
    answers = [_take(store, intake, batch) for batch in batches]
    if intake.fresh:
        _store(store, intake)
    return answers


def _known(store: Store, ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
    """Those that are there, with their event's number and fingerprint."""
    found = store.db.execute(sql.KNOWN, (json.dumps(ids),)) if ids else ()
    return {id_: (seq, fingerprint) for id_, seq, fingerprint in found}


def _take(store: Store, intake: _Intake, batch: Sequence[Posting]) -> list[Added] | Unavailable:
    size = sum(len(p.event.body) for p in batch if p.endpoints and p.event.id not in intake.known)
    if size and store.memory.totals["owed"] + size > store.max_size:
        return Unavailable(FULL, retry_after=30)
    return [_answer(store, intake, posting) for posting in batch]


def _answer(store: Store, intake: _Intake, posting: Posting) -> Added:
    event, totals = posting.event, store.memory.totals
    seen = intake.known.get(event.id)
    if seen is not None:
        if seen[1] != event.fingerprint:
            return Conflict(event.id)
        return Accepted(event.id, duplicate=True, deliveries=_owed_by(store, intake, seen[0]))
    totals["event"] = seq = totals["event"] + 1
    first = totals["delivery"] + 1
    owed = tuple([Owed(first + n, name) for n, name in enumerate(posting.endpoints)])
    totals["delivery"] += len(owed)
    if owed:
        store.owes(len(event.body))
    intake.known[event.id] = (seq, event.fingerprint)
    intake.fresh[seq] = (posting, owed)
    return Accepted(event.id, duplicate=False, deliveries=owed)


def _owed_by(store: Store, intake: _Intake, seq: int) -> tuple[Owed, ...]:
    if seq in intake.fresh:
        return intake.fresh[seq][1]
    rows = store.db.execute(sql.DELIVERIES_OF_EVENT, (seq,))
    return tuple(Owed(id_, store.names[endpoint]) for id_, endpoint in rows)


def _store(store: Store, intake: _Intake) -> None:
    waiting = idle(store)
    for seq, (posting, owed) in intake.fresh.items():
        e = posting.event
        head = (seq, e.id, e.dialect, e.name, e.subject, e.fingerprint, e.accepted_at)
        finished = 0 if owed else e.accepted_at
        store.happen(ARRIVING, *head, " ".join(e.refs), e.traceparent, len(e.body), len(owed), finished, e.body)
        if owed:
            store.recent.keep(seq, e, len(owed))
        for one in owed:
            claim = _owe(store, one, e, seq)
            if one.endpoint not in waiting or not take_at_once(store, claim):
                store.woken.add(one.endpoint)
    if any(owed for _, owed in intake.fresh.values()):
        store.save_marks()


def _owe(store: Store, one: Owed, event: Event, seq: int) -> Claim:
    """One more delivery; as it will be claimed."""
    endpoint = store.endpoint(one.endpoint)
    lane = store.lane(endpoint, event.subject, one.id)
    store.happen(OWING, one.id, seq, endpoint, lane, event.accepted_at)
    put(store.memory.marks, one.id, mark(endpoint, event.subject))
    store.count(endpoint, pending=1)
    return Claim(one.id, one.endpoint, event, 1, 0, event.accepted_at, (endpoint, lane, seq))
