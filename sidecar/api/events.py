"""`/events`: taking one event or a stream of them, and showing one.

Law: what a request's headers tell to be wrong is refused before its body is read.
"""

from aiohttp import web

from sidecar.api.answers import EventView, answer, delivery
from sidecar.api.forms import Full, Minimal
from sidecar.api.intake import Intake, store
from sidecar.api.moments import written
from sidecar.api.parts import PARTS
from sidecar.api.stream import Stream
from sidecar.errors import NotAnEvent, NotFound, Problem
from sidecar.model import Query
from sidecar.web.problems import kind
from sidecar.web.reading import KEY, NDJSON, body, content_type, idempotency_key, wants_minimal

MOST = 1000
"""Deliveries shown with their event."""


async def post_events(request: web.Request) -> web.StreamResponse:
    """`POST /events` is Drone's, `POST /events/{dialect}` any other's."""
    parts = request.app[PARTS]
    try:
        intake = Intake.of(request)
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
    parts, id_ = request.app[PARTS], request.match_info["id"]
    event = await parts.outbox.event(id_) if KEY.fullmatch(id_) else None
    if event is None:
        raise NotFound("there is no such event, or it is older than SIDECAR_RETENTION")
    flying = parts.control.in_flight()
    rows = await parts.outbox.deliveries(Query(event=id_, limit=MOST, in_flight=flying))
    view = EventView(
        id=event.id,
        dialect=event.dialect,
        name=event.name,
        subject=event.subject,
        accepted=written(event.accepted_at),
        traceparent=event.traceparent,
        size=len(event.body),
        body=event.body.decode(errors="replace"),
        deliveries=[delivery(row, flying) for row in rows],
    )
    return answer(view)
