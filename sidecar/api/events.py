"""`/events`: taking one event or a stream of them, and showing one.

Law: what a request's headers tell to be wrong is refused before its body is read.
"""

from collections.abc import Sequence

from aiohttp import web

from sidecar.api.answers import EventView, answer
from sidecar.api.forms import Full, Minimal
from sidecar.api.intake import DEFAULT, Intake, store
from sidecar.api.moments import written
from sidecar.api.parts import PARTS, Parts
from sidecar.api.stream import Stream
from sidecar.api.views import views
from sidecar.errors import NotAnEvent, NotFound, Problem
from sidecar.model import DeliveryLog, Event, Query
from sidecar.web.problems import kind
from sidecar.web.reading import KEY, NDJSON, body, content_type, idempotency_key, wants_minimal

UNKNOWN = (
    "there is no such event: it was never answered 202 here, or is finished and older than SIDECAR_RETENTION, or the "
    "log had no room for it any more (80 % of SIDECAR_MAX_OUTBOX_SIZE); look at what its sender was answered"
)
MOST = 1000
"""Deliveries shown with their event."""


async def post_events(request: web.Request) -> web.StreamResponse:
    """`POST /events` is Drone's, `POST /events/{dialect}` any other's."""
    return await take(request, request.app[PARTS], request.match_info.get("dialect", DEFAULT))


async def take(request: web.Request, parts: Parts, dialect: str) -> web.StreamResponse:
    """One event, or a stream of them, of a dialect."""
    try:
        intake = Intake.of(request, parts, dialect)
        parts.gate.check()
        type_, key = content_type(request), idempotency_key(request)
        if type_ == NDJSON:
            if key:
                raise NotAnEvent("Idempotency-Key names one event; in a stream, give each line an `id`")
            return await Stream(request, parts, intake, Minimal() if wants_minimal(request) else Full()).run()
        raw = await body(request, parts.max_event_size, parts.stall)
        posting = intake.posting(raw, parts.clock.now(), key)
    except Problem as problem:
        parts.observer.refused_for(kind(problem))
        raise
    [outcome] = await store(parts, [posting])
    if isinstance(outcome, Problem):
        raise outcome
    return answer(outcome, 202)


async def get_event(request: web.Request) -> web.StreamResponse:
    """An event with all that it owes."""
    parts = request.app[PARTS]
    event, rows = await find(parts, request.match_info["id"])
    view = EventView(
        id=event.id,
        dialect=event.dialect,
        name=event.name,
        subject=event.subject,
        accepted=written(event.accepted_at),
        traceparent=event.traceparent,
        size=len(event.body),
        body=event.body.decode(errors="replace"),
        deliveries=views(parts, rows),
    )
    return answer(view)


async def find(parts: Parts, id_: str) -> tuple[Event, Sequence[DeliveryLog]]:
    """An event, and all that it owes. Raises `NotFound`."""
    event = await parts.outbox.event(id_) if KEY.fullmatch(id_) else None
    if event is None:
        raise NotFound(UNKNOWN)
    return event, await parts.outbox.deliveries(Query(event=id_, limit=MOST, in_flight=parts.control.in_flight()))
