"""Every rule by which a delivery waits, and how it ended, as a sentence. Law: pure, by table."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from sidecar.model import FAR, DeliveryLog, Health
from sidecar.reasons import Situation, rule

NOON = int(datetime(2026, 11, 25, 12, 0, tzinfo=UTC).timestamp() * 1000)
MINUTE = 60_000
TWELVE = "2026-11-25T12:00:00Z"
MEND = "mend the receiver, then `sidecar resend 18`"

ONE = DeliveryLog(
    id=18,
    endpoint="ci",
    event="a",
    dialect="drone",
    name="build:created",
    subject="octocat/hello",
    state="pending",
    attempts=0,
    tries=0,
    created_at=NOON - MINUTE,
    due=NOON - MINUTE,
    finished_at=0,
    reason="",
    status=0,
)
SEEN = Situation(Health(), frozenset(), 16, 0, 10, NOON)
PAUSED = Health("paused", since=NOON - MINUTE, reason="paused by hand", flow_from=FAR)
FAILING = Health(
    "failing", since=NOON - MINUTE, reason="5 failures in a row", not_before=NOON + 5 * MINUTE, flow_from=FAR
)
HELD = replace(ONE, held_by=17, hold_until=3 * MINUTE, behind=17)
RETRY = replace(ONE, attempts=2, tries=2, status=503, due=NOON + MINUTE)


@pytest.mark.parametrize(
    ("one", "seen", "sentence"),
    [
        (
            replace(ONE, state="delivered", attempts=2, finished_at=NOON),
            SEEN,
            "delivered 2026-11-25T12:00:00Z by attempt 2",
        ),
        (
            replace(ONE, state="dead", reason="refused", status=422, finished_at=NOON),
            SEEN,
            f"dead since {TWELVE}: the receiver refuses this body with 422; mend it, then `sidecar resend 18`",
        ),
        (
            replace(ONE, state="dead", reason="exhausted", attempts=10, finished_at=NOON),
            SEEN,
            f"dead since {TWELVE}: its 10 attempts have used up SIDECAR_RETRY_SCHEDULE; {MEND}",
        ),
        (
            replace(ONE, state="dead", reason="expired", finished_at=NOON),
            SEEN,
            "dead since 2026-11-25T12:00:00Z: older than SIDECAR_MAX_AGE; `sidecar resend 18` owes it again",
        ),
        (replace(ONE, state="delivering", attempts=1), SEEN, "attempt 2 is under way"),
        (ONE, replace(SEEN, flying=frozenset({18})), "attempt 1 is under way"),
        (
            HELD,
            replace(SEEN, health=None),
            "kept: endpoint ci is not configured; it goes on when it is again",
        ),
        (
            HELD,
            replace(SEEN, health=PAUSED),
            "paused since 2026-11-25T11:59:00Z by hand: `sidecar resume ci` lets it go on",
        ),
        (
            ONE,
            replace(SEEN, health=replace(PAUSED, reason="the endpoint answered 410 Gone")),
            "paused since 2026-11-25T11:59:00Z, the endpoint answered 410 Gone: `sidecar resume ci` lets it go on",
        ),
        (
            HELD,
            replace(SEEN, health=FAILING),
            "endpoint ci is failing since 2026-11-25T11:59:00Z, 5 failures in a row: probe at 2026-11-25T12:05:00Z",
        ),
        (
            ONE,
            replace(SEEN, health=FAILING, now=NOON + 5 * MINUTE),
            "endpoint ci is failing since 2026-11-25T11:59:00Z, 5 failures in a row: a probe is due",
        ),
        (
            HELD,
            replace(SEEN, health=Health(flow=MINUTE, flow_from=NOON)),
            "held back by delivery 17 of the same subject until 2026-11-25T12:02:00Z at the latest: `sidecar show 17`",
        ),
        (
            HELD,
            replace(SEEN, health=Health(flow=MINUTE, flow_from=FAR)),
            "held back by delivery 17 of the same subject: `sidecar show 17`",
        ),
        (
            ONE,
            replace(SEEN, health=Health(not_before=NOON + MINUTE)),
            "told to wait by the receiver's Retry-After until 2026-11-25T12:01:00Z",
        ),
        (RETRY, SEEN, "attempt 3 of 10 at 2026-11-25T12:01:00Z, after 503"),
        (
            replace(RETRY, status=0, reason="timeout: no answer within 15 s"),
            SEEN,
            "attempt 3 of 10 at 2026-11-25T12:01:00Z, after timeout",
        ),
        (
            replace(ONE, behind=12),
            replace(SEEN, flying=frozenset({12})),
            "waits for its turn: delivery 12 of the same subject is under way",
        ),
        (replace(ONE, behind=12), SEEN, "waits for its turn: delivery 12 of the same subject comes first"),
        (ONE, replace(SEEN, in_flight=16), "due: waits for one of 16 attempts under way"),
        (
            ONE,
            replace(SEEN, in_flight=2, health=Health(allowed=2)),
            "due: waits for one of 2 attempts under way, of 16 once it has recovered",
        ),
        (ONE, SEEN, "due: it starts next"),
    ],
)
def test_the_rule_behind_a_state_is_told(one: DeliveryLog, seen: Situation, sentence: str) -> None:
    assert rule(one, seen) == sentence
