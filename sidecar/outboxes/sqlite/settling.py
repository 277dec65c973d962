"""Attempts end: attempt, verdict, health and the lane's next head are written together.

Law: two steps a batch, one for what ended and one for what failed; what follows from either stands in rules.sql.
"""

from collections.abc import Sequence

from sidecar.model import Attempt, Dead, Delivered, Response, RetryAt, Settlement, Unreachable
from sidecar.outboxes.sqlite import statements as sql
from sidecar.outboxes.sqlite.store import DEAD, DELIVERED, Row, Store

ANSWER_KEPT = 2048
"""Bytes of a receiver's answer that are kept (contract, section 6)."""


def settle(store: Store, settlements: Sequence[Settlement]) -> None:
    """Settle claims; one that is not (or no longer) claimed is passed over."""
    live = [s for s in settlements if _end_claim(store, s)]
    failed = [_failed(s, s.verdict, store.hold) for s in live if isinstance(s.verdict, RetryAt)]
    ended = [s for s in live if not isinstance(s.verdict, RetryAt)]
    end(store, [_endpoint(s) for s in ended], [_ended(s) for s in ended])
    store.many(sql.FAIL, failed)
    for s in live:
        if isinstance(s.verdict, RetryAt):
            store.memory.holding.add(_endpoint(s))
        if s.health is not None:
            store.save_health(_endpoint(s), s.health)
        store.woken.add(s.claim.endpoint)


def end(store: Store, endpoints: Sequence[int], rows: Sequence[Row]) -> None:
    """Deliveries are done with: `rows` as the view `ending` has them, and the endpoint of each."""
    store.many(sql.END, rows)
    for endpoint, row in zip(endpoints, rows, strict=True):
        store.count(endpoint, pending=-1, delivered=int(row[3] == DELIVERED), dead=int(row[3] == DEAD))


def _end_claim(store: Store, s: Settlement) -> bool:
    claimed = store.memory.claimed.get(_endpoint(s), {})
    if claimed.get(_lane(s)) != s.claim.delivery:
        return False
    del claimed[_lane(s)]
    return True


def _outcome(attempt: Attempt) -> tuple[int, str, bytes]:
    """Status, reason and answer as kept."""
    match attempt.outcome:
        case Response(status, answer):
            return status, "", answer[:ANSWER_KEPT]
        case Unreachable(reason, detail, status, answer):
            return status, f"{reason}: {detail}" if detail else reason, answer[:ANSWER_KEPT]


def _ended(s: Settlement) -> Row:
    """A row of `ending`."""
    dead = s.verdict.reason if isinstance(s.verdict, Dead) else None
    status, reason, answer = _outcome(s.attempt)
    state, why = (DELIVERED, reason) if dead is None else (DEAD, dead)
    delivery, a = s.claim.delivery, s.attempt
    what = (delivery, _lane(s), _seq(s), state, s.claim.tries + 1, s.at, why)
    return (*what, a.number, status, reason, a.started_at, a.duration, answer)


def _failed(s: Settlement, verdict: RetryAt, hold: int) -> Row:
    """A row of `failing`."""
    status, reason, answer = _outcome(s.attempt)
    tries, a = s.claim.tries + int(verdict.counted), s.attempt
    what = (s.claim.delivery, _lane(s), s.flow, hold, tries, verdict.due, int(s.fault))
    return (*what, a.number, status, reason, a.started_at, a.duration, answer)


def _endpoint(s: Settlement) -> int:
    return _token(s)[0]


def _lane(s: Settlement) -> int:
    return _token(s)[1]


def _seq(s: Settlement) -> int:
    return _token(s)[2]


def _token(s: Settlement) -> tuple[int, int, int]:
    """Endpoint, lane and event number."""
    token = s.claim.token
    assert isinstance(token, tuple)
    return token
