"""What the dispatcher says: one canonical line an attempt, one for each change of an endpoint's state.

Law: outcome as status or reason only; never a body, a header, an answer or a URL.
"""

import structlog

from sidecar.model import Dead, Delivered, Health, Response, RetryAt, Settlement

log = structlog.get_logger()


def tell(s: Settlement) -> None:
    """The canonical line of an attempt."""
    outcome = s.attempt.outcome
    facts: dict[str, object] = {
        "event_id": s.claim.event.id,
        "name": s.claim.event.name,
        "delivery": s.claim.delivery,
        "endpoint": s.claim.endpoint,
        "attempt": s.attempt.number,
        "outcome": outcome.status if isinstance(outcome, Response) else outcome.reason,
        "duration_ms": s.attempt.duration / 1000,
    }
    if s.claim.event.traceparent:
        facts["trace_id"] = s.claim.event.traceparent.split("-")[1]
    match s.verdict:
        case Delivered():
            log.info("delivery.attempted", **facts, verdict="delivered")
        case RetryAt(due):
            log.warning("delivery.attempted", **facts, verdict="retry", next_ms=max(0, due - s.at))
        case Dead(reason):
            log.error("delivery.attempted", **facts, verdict="dead", reason=reason)


def tell_health(endpoint: str, before: Health, after: Health) -> None:
    """What became of the endpoint, where its state changed."""
    match after.state:
        case "failing":
            log.error("endpoint.failing", endpoint=endpoint, detail=after.reason)
        case "paused":
            way_out = f"its events are kept; `sidecar resume {endpoint}` goes on"
            log.error("endpoint.paused", endpoint=endpoint, detail=f"{after.reason}; {way_out}")
        case "active":
            log.info("endpoint.resumed" if before.state == "paused" else "endpoint.recovered", endpoint=endpoint)
