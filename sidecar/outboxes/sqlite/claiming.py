"""Deliveries are taken to be attempted: of each lane its head, never two at once.

Law: a claim is remembered, not written, so that it costs no fsync; what was claimed when the process died is simply
pending.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from sidecar.model import FAR, Claim, Claimed, Event, Settlement
from sidecar.outboxes.sqlite import statements as sql
from sidecar.outboxes.sqlite.store import NOTHING, Store, token

HOLDS_AT_ONCE = 200
"""Holds that end in one claim; where there are more, the next claim ends them."""

HANDED_AT_ONCE = 4
"""Deliveries that a standing claim gets from one commit; for more, its lane is woken."""


_rows = msgspec.json.Decoder(list[tuple[int, int, int, int, int, int]])


def holds_over(store: Store, name: str, flow: int) -> bool:
    """Whether a claim at `flow` will have to end a hold first, and so to write."""
    return bool(_holds_over(store, store.ids.get(name, 0), flow, 1))


def claim(store: Store, name: str, limit: int, now: int, flow: int) -> Claimed:
    """Up to `limit` deliveries due at `now`; holds that are over at `flow` end first."""
    endpoint = store.ids.get(name)
    if endpoint is None:
        return Claimed(())
    more = _end_holds(store, endpoint, flow)
    flying = store.lanes_in_flight(endpoint)
    (found,) = next(iter(store.db.execute(sql.CLAIM, (endpoint, now, flying, limit))))
    rows = _rows.decode(found)
    taken = store.memory.claimed.setdefault(endpoint, {})
    events = _events(store, [row[5] for row in rows])
    claims = []
    for delivery, attempts, tries, owed_since, lane, seq in rows:
        taken[lane] = delivery
        token = (endpoint, lane, seq)
        claims.append(Claim(delivery, name, events[seq], attempts + 1, tries, owed_since, token))
    if more or len(claims) == limit:
        return Claimed(tuple(claims), next_due=now)
    due, hold = next(iter(store.db.execute(sql.NEXT, (endpoint, now, flow))))
    return Claimed(tuple(claims), FAR if due is None else due, FAR if hold is None else hold)


def _events(store: Store, seqs: Sequence[int]) -> Mapping[int, Event]:
    """By number; from memory, or else from the tables."""
    events = {seq: event for seq in seqs if (event := store.recent.take(seq))}
    if missing := [seq for seq in seqs if seq not in events]:
        events |= {seq: to_event(row) for seq, *row in store.db.execute(sql.EVENTS, (json.dumps(missing),))}
    return events


def claim_others(store: Store, ended: Sequence[Settlement]) -> Mapping[str, Iterator[Claim]]:
    """By endpoint, as many deliveries as have ended there, as far as there are any."""
    groups: dict[str, list[Settlement]] = {}
    for settlement in ended:
        groups.setdefault(settlement.claim.endpoint, []).append(settlement)
    found = {}
    for name, group in groups.items():
        now, flow = max(s.at for s in group), max(s.flow for s in group)
        found[name] = iter(claim(store, name, len(group), now, flow).claims)
    return found


def _end_holds(store: Store, endpoint: int, flow: int) -> bool:
    """Let later deliveries pass those that held them back too long; True where more holds wait to be ended."""
    over = _holds_over(store, endpoint, flow, HOLDS_AT_ONCE)
    if over:
        lanes = [lane for lane, _ in over]
        store.db.execute(sql.OVERTAKE, (json.dumps([holder for _, holder in over]),))
        store.db.execute(sql.END_HOLDS, (json.dumps(lanes),))
        store.reset_heads(lanes)
    return len(over) == HOLDS_AT_ONCE


def _holds_over(store: Store, endpoint: int, flow: int, limit: int) -> list[tuple[int, int]]:
    """Lane and holder, of up to `limit` holds."""
    holding = store.memory.holding
    if flow < holding.get(endpoint, FAR):
        return []
    flying = store.lanes_in_flight(endpoint)
    over = [(lane, holder) for lane, holder in store.db.execute(sql.HOLDS_OVER, (endpoint, flow, flying, limit))]
    if not over:
        (first,) = next(iter(store.db.execute(sql.FIRST_HOLD, (endpoint,))))
        holding[endpoint] = FAR if first is None else first
    return over


def stand(store: Store, name: str, *, standing: bool) -> None:
    """A claim that goes on, or does no longer."""
    if standing:
        store.standing.add(name)
    else:
        store.standing.discard(name)


def idle(store: Store) -> set[str]:
    """Endpoints with a standing claim to which nothing is owed: nothing holds back or precedes what comes in there."""
    counts, ids = store.memory.counts, store.ids
    return {name for name in store.standing if not counts.get(ids.get(name, 0), NOTHING)[0]}


def take_at_once(store: Store, claim: Claim) -> bool:
    """Take what has just come in to an endpoint that is idle; False where it must be asked for."""
    endpoint, lane, seq = token(claim)
    taken = store.memory.claimed.setdefault(endpoint, {})
    if lane in taken or len(taken) >= HANDED_AT_ONCE:
        return False
    taken[lane] = claim.delivery
    store.handed.setdefault(claim.endpoint, []).append(claim)
    store.recent.take(seq)
    return True


def abandon(store: Store, deliveries: Sequence[int]) -> None:
    """End claims of which no attempt was made."""
    gone = set(deliveries)
    for endpoint, lanes in store.memory.claimed.items():
        kept = {lane: delivery for lane, delivery in lanes.items() if delivery not in gone}
        if len(kept) < len(lanes):
            store.memory.claimed[endpoint] = kept
            store.standing.discard(store.names[endpoint])
            store.woken.add(store.names[endpoint])


def to_event(row: Sequence[str | bytes | int]) -> Event:
    """An event from its columns, in the order of the fields of `Event`; refs are kept in one, between blanks."""
    *head, refs, traceparent = row
    return Event(*head, tuple(filter(None, str(refs).split(" "))), traceparent)  # type: ignore[arg-type, call-arg] # columns are STRICT in the schema
