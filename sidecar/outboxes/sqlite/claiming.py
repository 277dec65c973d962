"""Deliveries are taken to be attempted: of each lane its head, never two at once.

Law: a claim is remembered, not written, so that it costs no fsync; what was claimed when the process died is simply
pending.
"""

import json
from collections.abc import Sequence

from sidecar.model import FAR, Claim, Claimed, Event
from sidecar.outboxes.sqlite import statements as sql
from sidecar.outboxes.sqlite.store import Store

HOLDS_AT_ONCE = 200
"""Holds that end in one claim; where there are more, the next claim ends them."""


def claim(store: Store, name: str, limit: int, now: int, flow: int) -> Claimed:
    """Up to `limit` deliveries due at `now`; holds that are over at `flow` end first."""
    endpoint = store.ids.get(name)
    if endpoint is None:
        return Claimed(())
    more = endpoint in store.memory.holding and _end_holds(store, endpoint, flow)
    flying = store.lanes_in_flight(endpoint)
    rows = list(store.db.execute(sql.CLAIM, (endpoint, now, flying, limit)))
    taken = store.memory.claimed.setdefault(endpoint, {})
    claims = []
    for delivery, attempts, tries, owed_since, lane, seq, troubled, *event in rows:
        taken[lane] = delivery
        token = (endpoint, lane, seq, troubled)
        claims.append(Claim(delivery, name, to_event(event), attempts + 1, tries, owed_since, token))
    if more or len(claims) == limit:
        return Claimed(tuple(claims), next_due=now)
    due, hold = next(iter(store.db.execute(sql.NEXT, (endpoint, now, flow))))
    if hold is None and not store.memory.claimed[endpoint]:
        store.memory.holding.discard(endpoint)
    return Claimed(tuple(claims), FAR if due is None else due, FAR if hold is None else hold)


def _end_holds(store: Store, endpoint: int, flow: int) -> bool:
    """Let later deliveries pass those that held them back too long; True where more holds wait to be ended."""
    flying = store.lanes_in_flight(endpoint)
    over = list(store.db.execute(sql.HOLDS_OVER, (endpoint, flow, flying, HOLDS_AT_ONCE)))
    if over:
        lanes = [lane for lane, _ in over]
        store.db.execute(sql.OVERTAKE, (json.dumps([holder for _, holder in over]),))
        store.db.execute(sql.END_HOLDS, (json.dumps(lanes),))
        store.reset_heads(lanes)
    return len(over) == HOLDS_AT_ONCE


def abandon(store: Store, deliveries: Sequence[int]) -> None:
    """End claims of which no attempt was made."""
    gone = set(deliveries)
    for endpoint, lanes in store.memory.claimed.items():
        kept = {lane: delivery for lane, delivery in lanes.items() if delivery not in gone}
        if len(kept) < len(lanes):
            store.memory.claimed[endpoint] = kept
            store.woken.add(store.names[endpoint])


def to_event(row: Sequence[str | bytes | int]) -> Event:
    """An event from its columns, in the order of the fields of `Event`; refs are kept in one, between blanks."""
    *head, refs, traceparent = row
    return Event(*head, tuple(filter(None, str(refs).split(" "))), traceparent)  # type: ignore[arg-type, call-arg] # columns are STRICT in the schema
