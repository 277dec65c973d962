"""Why a delivery stands where it stands: one sentence for a person, with the way out where there is one.

Law: pure; the rules are those of the contract's section 6, in the order in which they keep an attempt from starting.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime

from msgspec import Struct

from sidecar.model import FAR, DeliveryLog, Health


class Situation(Struct, frozen=True):
    """What is known when a sentence is asked for.

    Attributes:
        health: the endpoint's; None for one that is not configured.
        flying: numbers of what is being attempted.
        concurrency: attempts in flight at the endpoint, at most; `in_flight`: those there are.
        attempts: of the schedule, the first one included.
        now: ms.
    """

    health: Health | None
    flying: AbstractSet[int]
    concurrency: int
    in_flight: int
    attempts: int
    now: int


def rule(one: DeliveryLog, seen: Situation) -> str:
    """Why the delivery is as it is, and what comes next."""
    if one.state == "delivered":
        return f"delivered {_at(one.finished_at)} by attempt {one.attempts}"
    if one.state == "dead":
        return _DEAD.get(one.reason, _ended)(one, seen)
    if one.state == "delivering" or one.id in seen.flying:
        return f"attempt {one.attempts + 1} is under way"
    return next(sentence for keeps in _KEEPING if (sentence := keeps(one, seen)))


def _refused(one: DeliveryLog, _: Situation) -> str:
    why = f"the receiver refuses this body with {one.status}"
    return f"dead since {_at(one.finished_at)}: {why}; mend it, then `sidecar resend {one.id}`"


def _exhausted(one: DeliveryLog, seen: Situation) -> str:
    used = f"its {one.attempts} attempts have used up SIDECAR_RETRY_SCHEDULE"
    return f"dead since {_at(one.finished_at)}: {used}; mend the receiver, then `sidecar resend {one.id}`"


def _expired(one: DeliveryLog, _: Situation) -> str:
    return f"dead since {_at(one.finished_at)}: older than SIDECAR_MAX_AGE; `sidecar resend {one.id}` owes it again"


def _ended(one: DeliveryLog, _: Situation) -> str:
    return f"dead since {_at(one.finished_at)}: {one.reason}; `sidecar resend {one.id}` owes it again"


_DEAD: dict[str, Callable[[DeliveryLog, Situation], str]] = {
    "refused": _refused,
    "exhausted": _exhausted,
    "expired": _expired,
}


def _orphaned(one: DeliveryLog, seen: Situation) -> str:
    if seen.health is not None:
        return ""
    return f"kept: endpoint {one.endpoint} is not configured; it goes on when it is again"


def _paused(one: DeliveryLog, seen: Situation) -> str:
    health = seen.health
    if health is None or health.state != "paused":
        return ""
    why = f" {by_hand}" if (by_hand := health.reason.removeprefix("paused ")) != health.reason else f", {health.reason}"
    return f"paused since {_at(health.since)}{why}: `sidecar resume {one.endpoint}` lets it go on"


def _failing(one: DeliveryLog, seen: Situation) -> str:
    health = seen.health
    if health is None or health.state != "failing":
        return ""
    probe = f"probe at {_at(health.not_before)}" if health.not_before > seen.now else "a probe is due"
    return f"endpoint {one.endpoint} is failing since {_at(health.since)}, {health.reason}: {probe}"


def _held(one: DeliveryLog, seen: Situation) -> str:
    health = seen.health
    if not one.held_by or health is None:
        return ""
    until = ""
    if FAR not in (one.hold_until, health.flow_from):
        until = f" until {_at(health.flow_from + one.hold_until - health.flow)} at the latest"
    return f"held back by delivery {one.held_by} of the same subject{until}: `sidecar show {one.held_by}`"


def _told_to_wait(_: DeliveryLog, seen: Situation) -> str:
    health = seen.health
    if health is None or health.not_before <= seen.now:
        return ""
    return f"told to wait by the receiver's Retry-After until {_at(health.not_before)}"


def _scheduled(one: DeliveryLog, seen: Situation) -> str:
    if one.due <= seen.now:
        return ""
    last = str(one.status) if one.status else one.reason.partition(":")[0]
    after = f", after {last}" if last else ""
    return f"attempt {one.tries + 1} of {seen.attempts} at {_at(one.due)}{after}"


def _behind(one: DeliveryLog, seen: Situation) -> str:
    if not one.behind:
        return ""
    what = "is under way" if one.behind in seen.flying else "comes first"
    return f"waits for its turn: delivery {one.behind} of the same subject {what}"


def _due(one: DeliveryLog, seen: Situation) -> str:
    allowed = seen.health.allowed if seen.health else 0
    if seen.in_flight >= (allowed or seen.concurrency):
        recovering = f", of {seen.concurrency} once it has recovered" if allowed else ""
        return f"due: waits for one of {allowed or seen.concurrency} attempts under way{recovering}"
    return "due: it starts next"


_KEEPING = (_orphaned, _paused, _failing, _held, _told_to_wait, _scheduled, _behind, _due)
"""The first that has something to say is the rule; the last always has."""


def _at(moment: int) -> str:
    return datetime.fromtimestamp(moment // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
