"""What an endpoint's answers say of the endpoint: a breaker that probes, recovers gently and keeps a flow clock.

Law: pure functions from Health to Health; `now` is an argument. The rules are those of the contract's section 6:

    active  --5 failures of its own in a row-->  failing     one probe at a time, waits doubling from 1 s to 5 min
    failing --any answer that is not such a failure-->  active      concurrency grows 1, 2, 4, ... second by second
    active  --told to wait, and it has waited-->  active      likewise
    any     --410, or by hand-->  paused     nothing starts until it is resumed

An answer that judges the event alone (404, say) opens the breaker like a 2xx does: the endpoint is alive, and a probe
that could never succeed must not hold up all others.
"""

from msgspec.structs import replace

from sidecar.model import FAR, Health, Sign

TRIP = 5
FIRST_WAIT = 1_000
LAST_WAIT = 300_000

HALVES = 3
"""Failures in a row that halve what a recovery allows. One now and then does not: an endpoint that fails one in twenty
would never get all of its concurrency back."""

ROUND = 1_000
"""ms of a recovery before a success lets twice as many attempts be in flight: what waited through an outage comes upon
neither the endpoint nor its neighbours, who share a disk and a processor with it, in one burst."""


def after(health: Health, sign: Sign, *, now: int, limit: int, wait: int = 0, probing: bool = False) -> Health:
    """The health once an attempt has ended.

    Args:
        health: as it is when the attempt ends.
        sign: what the attempt's outcome says of the endpoint.
        now: ms.
        limit: the endpoint's concurrency.
        wait: ms for which the receiver asked to be left alone (`retry.told_to_wait`).
        probing: the endpoint was failing when the attempt began.
    """
    match sign:
        case "ours":
            return health
        case "gone":
            return pause(health, now=now, reason="the endpoint answered 410 Gone")
        case "fault":
            return _failed(health, now, wait, probing=probing)
        case "won":
            return _answered(replace(health, last_success=now), now, limit)
        case "alive":
            return _answered(health, now, limit)


def pause(health: Health, *, now: int, reason: str) -> Health:
    """Nothing starts any more; what is waiting is kept and its holds stand still."""
    if health.state == "paused":
        return health
    stopped = replace(health, flow=health.flow_at(now), flow_from=FAR, allowed=0)
    healthy = health.healthy_until if health.state == "failing" else health.last_success
    return replace(
        stopped, state="paused", since=now, reason=reason, failures=0, wait=0, not_before=0, healthy_until=healthy
    )


def resume(health: Health, *, now: int) -> Health:
    """Go on, gently, in order; what is owed has its whole age before it again."""
    if health.state != "paused":
        return health
    return replace(_opened(health, now), ages_from=now)


def room(health: Health, *, now: int, in_flight: int, limit: int) -> int:
    """How many attempts may start at `now`."""
    if health.state == "paused" or now < health.not_before:
        return 0
    if health.state == "failing":
        return max(0, 1 - in_flight)
    return max(0, (health.allowed or limit) - in_flight)


def _failed(health: Health, now: int, wait: int, *, probing: bool) -> Health:
    told_until = max(health.told_until, now + wait) if wait else health.told_until
    health = replace(health, failures=health.failures + 1, last_failure=now, told_until=told_until)
    if health.state == "paused":
        return health
    if health.state == "failing":
        longer = min(health.wait * 2, LAST_WAIT) if probing else health.wait
        until = now + max(longer, wait) if probing else max(health.not_before, now + wait)
        return replace(health, wait=longer, not_before=until)
    if health.failures >= TRIP:
        stopped = replace(health, flow=health.flow_at(now), flow_from=FAR, allowed=0)
        reason = f"{TRIP} failures in a row"
        until = now + max(FIRST_WAIT, wait)
        stopped = replace(stopped, healthy_until=health.last_success)
        return replace(stopped, state="failing", since=now, reason=reason, wait=FIRST_WAIT, not_before=until)
    if health.allowed and health.failures == HALVES:
        health = replace(health, allowed=max(1, health.allowed // 2), grown_at=now)
    return _waiting(health, now, wait)


def _waiting(health: Health, now: int, wait: int) -> Health:
    """Told to wait while active: the flow clock stands still until then, and then it goes on gently."""
    if not wait or now + wait <= health.not_before:
        return health
    until = now + wait
    gentle = replace(health, allowed=1, grown_at=now)
    return replace(gentle, not_before=until, flow=health.flow_at(now), flow_from=until)


def _answered(health: Health, now: int, limit: int) -> Health:
    if health.failures:
        health = replace(health, failures=0)
    if health.state == "paused":
        return health
    if health.state == "failing":
        return _opened(health, now)
    if not health.allowed:
        return health
    if now < max(health.grown_at, health.not_before) + ROUND:
        return health
    grown = health.allowed * 2
    return replace(health, grown_at=now, allowed=0 if grown >= limit else grown)


def _opened(health: Health, now: int) -> Health:
    """Told to wait, it still waits; otherwise at once."""
    not_before = health.told_until if health.told_until > now else 0
    flowing = replace(health, flow=health.flow_at(now), flow_from=max(now, not_before), not_before=not_before)
    return replace(
        flowing, state="active", since=now, reason="", failures=0, wait=0, allowed=1, grown_at=now, releasing=True
    )
