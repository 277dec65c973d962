"""`/deliveries`: the log, and sending again. Law: a parameter is understood in full, or refused by name."""

from typing import get_args

from aiohttp import web
from msgspec import structs

from sidecar.api import moments
from sidecar.api.answers import Deliveries, DeliveryView, answer, detail
from sidecar.api.parts import PARTS, Parts
from sidecar.api.query import NUMBER, Readers, after, asked, limit, text
from sidecar.api.views import views
from sidecar.errors import Conflicting, NotFound
from sidecar.model import DeliveryLog, Query, State

LOOKS = 5
"""At a delivery that is being settled while we look."""

STATES = get_args(State)


async def get_deliveries(request: web.Request) -> web.StreamResponse:
    """A page of the log, newest first."""
    parts = request.app[PARTS]
    query = _query(request, parts.clock.now())
    flying = parts.control.in_flight()
    rows = await parts.outbox.deliveries(structs.replace(query, limit=query.limit + 1, in_flight=flying))
    page = views(parts, rows[: query.limit])
    return answer(Deliveries(page, str(page[-1].id) if len(rows) > query.limit else None))


async def get_delivery(request: web.Request) -> web.StreamResponse:
    """One delivery with its attempts, read anew where one was settled between the two looks."""
    parts = request.app[PARTS]
    for _ in range(LOOKS):
        row = await _find(parts, request)
        attempts = await parts.outbox.attempts(row.id)
        if len(attempts) == row.attempts:
            break
    return answer(detail(_view(parts, row), attempts))


async def resend(request: web.Request) -> web.StreamResponse:
    """Owe a delivery again, due at once."""
    parts = request.app[PARTS]
    row = await _find(parts, request)
    if row.id in parts.control.in_flight() or not await parts.outbox.resend(row.id, parts.clock.now()):
        raise Conflicting(f"delivery {row.id} is being attempted right now: wait for its verdict")
    return answer(_view(parts, await _find(parts, request)), 202)


async def _find(parts: Parts, request: web.Request) -> DeliveryLog:
    number = request.match_info["id"]
    row = await parts.outbox.delivery(int(number)) if NUMBER.fullmatch(number) else None
    if row is None:
        raise NotFound("there is no such delivery, or it is older than SIDECAR_RETENTION")
    return row


def _view(parts: Parts, row: DeliveryLog) -> DeliveryView:
    return views(parts, [row])[0]


def _query(request: web.Request, now: int) -> Query:
    return Query(**asked(request, PARAMETERS, now))  # type: ignore[arg-type]  # a reader of the right type for each field


def _state(given: str, _: int) -> str:
    if given not in STATES:
        raise ValueError(f"is one of {', '.join(STATES)}")
    return given


PARAMETERS: Readers = {
    "endpoint": text,
    "state": _state,
    "event": text,
    "subject": text,
    "since": moments.read,
    "until": moments.read,
    "limit": limit,
    "after": after,
}
