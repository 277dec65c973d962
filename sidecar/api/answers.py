"""How deliveries, attempts, events and endpoints look in JSON.

Law: what does not exist is null, each delivery is counted in one state, and no URL is shown whole.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from aiohttp import web
from msgspec import Struct, json, structs

from sidecar.api.moments import written, written_or_none
from sidecar.model import AttemptLog, Counts, DeliveryLog, Endpoint, EndpointState, Health, State


class DeliveryView(Struct):
    """A delivery. `next` is when its next attempt is due: null for one in flight or finished; `rule` says why it is as
    it is, a sentence."""

    id: int
    endpoint: str
    event: str
    dialect: str
    name: str
    subject: str
    state: State
    attempt_count: int
    created: str
    next: str | None
    finished: str | None
    reason: str
    status: int | None
    held_by: int | None
    rule: str


class AttemptView(Struct):
    """An attempt; `status` is null where no answer came."""

    number: int
    started: str
    duration_ms: float
    status: int | None
    reason: str
    answer: str


class DeliveryDetail(DeliveryView):
    """A delivery with its attempts, oldest first."""

    attempts: list[AttemptView]


class EventView(Struct):
    """An event, with the body that is sent and all deliveries it owes."""

    id: str
    dialect: str
    name: str
    subject: str
    accepted: str
    traceparent: str
    size: int
    body: str
    deliveries: list[DeliveryView]


class CountsView(Struct):
    """Deliveries of an endpoint by state; each stands in one of them."""

    pending: int
    delivering: int
    delivered: int
    dead: int


class EndpointView(Struct):
    """An endpoint; what only its configuration knows is null for an orphaned one."""

    name: str
    dialect: str | None
    url: str | None
    state: EndpointState
    overridden: bool
    since: str | None
    reason: str
    last_failure: str | None
    last_success: str | None
    next_probe: str | None
    oldest: str | None
    counts: CountsView
    concurrency: int | None
    events: tuple[str, ...] | None


class Deliveries(Struct):
    """A page of the log; `next` is the cursor of the following one."""

    deliveries: list[DeliveryView]
    next: str | None


class Endpoints(Struct):
    """All endpoints; they fit on one page."""

    endpoints: list[EndpointView]
    next: str | None = None


def answer(body: object, status: int = 200) -> web.Response:
    """`body` as JSON."""
    return web.Response(body=json.encode(body), status=status, content_type="application/json")


def delivery(row: DeliveryLog, flying: AbstractSet[int], rule: str) -> DeliveryView:
    """`flying`: numbers of what is being attempted; `rule`: as `reasons` tells it."""
    state = "delivering" if row.state == "pending" and row.id in flying else row.state
    return DeliveryView(
        id=row.id,
        endpoint=row.endpoint,
        event=row.event,
        dialect=row.dialect,
        name=row.name,
        subject=row.subject,
        state=state,
        attempt_count=row.attempts,
        created=written(row.created_at),
        next=written_or_none(row.due) if state == "pending" else None,
        finished=written_or_none(row.finished_at),
        reason=row.reason,
        status=row.status or None,
        held_by=row.held_by or None,
        rule=rule,
    )


def detail(view: DeliveryView, attempts: Sequence[AttemptLog]) -> DeliveryDetail:
    """The view with its attempts, oldest first."""
    return DeliveryDetail(**structs.asdict(view), attempts=[_attempt(one) for one in attempts])


def endpoint(
    one: Endpoint, health: Health, counts: Counts, delivering: int, now: int, *, overridden: bool
) -> EndpointView:
    """A configured endpoint; `delivering` attempts are under way; `overridden`: by secrets set at run time."""
    return EndpointView(
        name=one.name,
        dialect=one.dialect,
        url=one.shown_url,
        state=health.state,
        overridden=overridden,
        since=written_or_none(health.since),
        reason=health.reason,
        last_failure=written_or_none(health.last_failure),
        last_success=written_or_none(health.last_success),
        next_probe=written_or_none(health.not_before) if health.not_before > now else None,
        oldest=written_or_none(counts.oldest),
        counts=_counts(counts, delivering),
        concurrency=one.concurrency,
        events=one.events,
    )


def orphan(name: str, health: Health, counts: Counts, *, overridden: bool) -> EndpointView:
    """An endpoint that is owed something and is not configured."""
    return EndpointView(
        name=name,
        dialect=None,
        url=None,
        state="orphaned",
        overridden=overridden,
        since=None,
        reason="not configured; what is owed goes on when it is again",
        last_failure=written_or_none(health.last_failure),
        last_success=written_or_none(health.last_success),
        next_probe=None,
        oldest=written_or_none(counts.oldest),
        counts=_counts(counts, 0),
        concurrency=None,
        events=None,
    )


def _attempt(one: AttemptLog) -> AttemptView:
    return AttemptView(
        number=one.number,
        started=written(one.started_at),
        duration_ms=round(one.duration / 1000, 3),
        status=one.status or None,
        reason=one.reason,
        answer=one.answer.decode(errors="replace"),
    )


def _counts(counts: Counts, delivering: int) -> CountsView:
    return CountsView(max(0, counts.pending - delivering), delivering, counts.delivered, counts.dead)
