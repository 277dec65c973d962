"""Attempts end: attempt, verdict, health and the lane's next head are written together.

Law: here a settlement becomes a row; what follows from it stands in rules.sql.
"""

from collections.abc import Sequence

from sidecar.model import FAR, Attempt, Dead, Response, RetryAt, Settlement, Unreachable
from sidecar.outboxes.sqlite.store import DEAD, DELIVERED, ENDING, FAILING, Store, token

ANSWER_KEPT = 2048
"""Bytes of a receiver's answer that are kept (contract, section 6)."""


def settle(store: Store, settlements: Sequence[Settlement]) -> None:
    """Settle claims; one that is not (or no longer) claimed is passed over."""
    for s in settlements:
        if not _end_claim(store, s):
            continue
        if isinstance(s.verdict, RetryAt):
            _fail(store, s, s.verdict)
        else:
            _end(store, s)
        if s.health is not None:
            store.save_health(token(s.claim)[0], s.health)
        if store.memory.counts[token(s.claim)[0]][0]:
            store.woken.add(s.claim.endpoint)


def _end_claim(store: Store, s: Settlement) -> bool:
    endpoint, lane, _ = token(s.claim)
    claimed = store.memory.claimed.get(endpoint, {})
    if claimed.get(lane) != s.claim.delivery:
        return False
    del claimed[lane]
    return True


def _outcome(attempt: Attempt) -> tuple[int, str, bytes]:
    """Status, reason and answer as kept."""
    match attempt.outcome:
        case Response(status, answer):
            return status, "", answer[:ANSWER_KEPT]
        case Unreachable(reason, detail, status, answer):
            return status, f"{reason}: {detail}" if detail else reason, answer[:ANSWER_KEPT]


def _end(store: Store, s: Settlement) -> None:
    endpoint, lane, seq = token(s.claim)
    dead = s.verdict.reason if isinstance(s.verdict, Dead) else None
    status, reason, answer = _outcome(s.attempt)
    state, why = (DELIVERED, reason) if dead is None else (DEAD, dead)
    made = (s.attempt.number, status, reason, s.attempt.started_at, s.attempt.duration, answer)
    store.happen(ENDING, s.claim.delivery, lane, seq, state, s.claim.tries + 1, s.at, why, *made)
    store.count(endpoint, pending=-1, delivered=int(dead is None), dead=int(dead is not None))


def _fail(store: Store, s: Settlement, verdict: RetryAt) -> None:
    endpoint, lane, _ = token(s.claim)
    status, reason, answer = _outcome(s.attempt)
    tries, fault = s.claim.tries + int(verdict.counted), int(s.fault)
    made = (s.attempt.number, status, reason, s.attempt.started_at, s.attempt.duration, answer)
    store.happen(FAILING, s.claim.delivery, lane, s.flow, store.hold, tries, verdict.due, fault, *made)
    store.memory.holding[endpoint] = min(s.flow, store.memory.holding.get(endpoint, FAR))
