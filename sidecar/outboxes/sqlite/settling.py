"""Attempts end: attempt, verdict, health and the lane's next head are written together.

Law: successes, which are most, go through in few steps a batch; a failure takes its own steps, because it decides
about a hold.
"""

import json
from collections import Counter
from collections.abc import Sequence

from sidecar.model import Attempt, Dead, Delivered, Response, RetryAt, Settlement, Unreachable
from sidecar.outboxes.sqlite import statements as sql
from sidecar.outboxes.sqlite.store import DEAD, DELIVERED, Row, Store

ANSWER_KEPT = 2048
"""Bytes of a receiver's answer that are kept (contract, section 6)."""


def settle(store: Store, settlements: Sequence[Settlement]) -> None:
    """Settle claims; one that is not (or no longer) claimed is passed over."""
    live = [s for s in settlements if _end_claim(store, s)]
    if not live:
        return
    store.many(sql.INSERT_ATTEMPTS, [_attempt_row(s.claim.delivery, s.attempt) for s in live])
    finished = [s for s in live if not isinstance(s.verdict, RetryAt)]
    if finished:
        rows = [_finished_row(s) for s in finished]
        finish(store, [(_endpoint(s), _seq(s)) for s in finished], rows)
    troubled = [s for s in finished if _token(s)[3]]
    if troubled:
        won = [_lane(s) for s in troubled if isinstance(s.verdict, Delivered)]
        store.db.execute(sql.SUCCEEDED, (json.dumps(won),))
        let_pass(store, [(s.claim.delivery, _lane(s)) for s in troubled])
    for s in live:
        if isinstance(s.verdict, RetryAt):
            _retry(store, s, s.verdict)
        if s.health is not None:
            store.save_health(_endpoint(s), s.health)
        store.woken.add(s.claim.endpoint)
    store.reset_heads(_lane(s) for s in live)


def finish(store: Store, owners: Sequence[tuple[int, int]], rows: Sequence[Row]) -> None:
    """Deliveries are done with. `owners`: endpoint and event number of each; `rows` as `FINISH` takes them:
    id, state, attempts, tries, at, status, reason."""
    store.many(sql.FINISH, rows)
    for (endpoint, _), row in zip(owners, rows, strict=True):
        store.count(endpoint, pending=-1, delivered=int(row[1] == DELIVERED), dead=int(row[1] == DEAD))
    closing = Counter(seq for _, seq in owners)
    last = {seq: row[4] for (_, seq), row in zip(owners, rows, strict=True)}
    freed = store.many(sql.FREED, list(closing.items()))
    store.memory.totals["owed"] -= sum(size for (size,) in freed)
    store.many(sql.CLOSE_EVENTS, [(seq, n, last[seq]) for seq, n in closing.items()])


def let_pass(store: Store, done: Sequence[tuple[int, int]]) -> None:
    """Deliveries that are done with (number, lane) hold back nothing any more."""
    deliveries = json.dumps([delivery for delivery, _ in done])
    store.db.execute(sql.HOLDER_GONE, (deliveries, json.dumps([lane for _, lane in done])))


def _retry(store: Store, s: Settlement, verdict: RetryAt) -> None:
    """It stays owed. The hold counts from the subject's first failure since its last success; when it is over, what
    failed here is overtaken."""
    lane, delivery = _lane(s), s.claim.delivery
    row = next(iter(store.db.execute(sql.FAILING_SINCE, (lane,))), None)
    since = s.flow if row is None or row[0] is None else row[0]
    over = s.flow >= since + store.hold
    if over:
        store.db.execute(sql.OVERTAKE_HOLDER, (lane,))
        store.db.execute(sql.NO_HOLD, (lane, since))
    else:
        store.db.execute(sql.HOLD, (lane, since, since + store.hold, delivery))
        store.memory.holding.add(_endpoint(s))
    tries = s.claim.tries + int(verdict.counted)
    status, reason, _ = _outcome(s.attempt)
    fault = int(s.fault)
    store.db.execute(sql.RETRY, (delivery, s.attempt.number, tries, verdict.due, fault, status, reason, int(over)))


def _end_claim(store: Store, s: Settlement) -> bool:
    claimed = store.memory.claimed.get(_endpoint(s), {})
    if claimed.get(_lane(s)) != s.claim.delivery:
        return False
    del claimed[_lane(s)]
    return True


def _attempt_row(delivery: int, attempt: Attempt) -> Row:
    return (delivery, attempt.number, attempt.started_at, attempt.duration, *_outcome(attempt))


def _outcome(attempt: Attempt) -> tuple[int, str, bytes]:
    """Status, reason and answer as kept."""
    match attempt.outcome:
        case Response(status, answer):
            return status, "", answer[:ANSWER_KEPT]
        case Unreachable(reason, detail, status, answer):
            return status, f"{reason}: {detail}" if detail else reason, answer[:ANSWER_KEPT]


def _finished_row(s: Settlement) -> Row:
    status, reason, _ = _outcome(s.attempt)
    tries = s.claim.tries + 1
    if isinstance(s.verdict, Dead):
        return (s.claim.delivery, DEAD, s.attempt.number, tries, s.at, status, s.verdict.reason)
    return (s.claim.delivery, DELIVERED, s.attempt.number, tries, s.at, status, reason)


def _endpoint(s: Settlement) -> int:
    return _token(s)[0]


def _lane(s: Settlement) -> int:
    return _token(s)[1]


def _seq(s: Settlement) -> int:
    return _token(s)[2]


def _token(s: Settlement) -> tuple[int, int, int, bool]:
    """Endpoint, lane, event number, and whether something has failed in the lane, as they were at the claim."""
    token = s.claim.token
    assert isinstance(token, tuple)
    return token
