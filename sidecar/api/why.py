"""`/events/{id}/why`: for every endpoint, what became of the event, or why nothing is owed.

Law: what is owed is told from what is kept; why something is not owed, from the configuration of now.
"""

from aiohttp import web
from msgspec import Struct

from sidecar.api.answers import DeliveryView, answer
from sidecar.api.events import find
from sidecar.api.explain import kept_away
from sidecar.api.moments import written
from sidecar.api.parts import PARTS, Parts
from sidecar.api.views import views
from sidecar.model import Endpoint, EndpointState, Event, State


class Reason(Struct):
    """An endpoint and the event: `delivery` and `state` are null where nothing is owed; `rule` says why."""

    endpoint: str
    endpoint_state: EndpointState
    delivery: int | None
    state: State | None
    rule: str


class Why(Struct):
    """The event, and every endpoint: those configured in their order, then those that are owed it and are not."""

    event: str
    name: str
    subject: str
    accepted: str
    endpoints: list[Reason]


async def get_why(request: web.Request) -> web.StreamResponse:
    """Where the event is, and why it is where it is."""
    parts = request.app[PARTS]
    event, rows = await find(parts, request.match_info["id"])
    owed = {view.endpoint: view for view in reversed(views(parts, rows))}
    reasons = [_reason(parts, event, one, owed.pop(one.name, None)) for one in parts.endpoints.values()]
    reasons += [Reason(view.endpoint, "orphaned", view.id, view.state, view.rule) for view in owed.values()]
    return answer(Why(event.id, event.name, event.subject, written(event.accepted_at), reasons))


def _reason(parts: Parts, event: Event, one: Endpoint, view: DeliveryView | None) -> Reason:
    state = parts.control.health(one.name).state
    if view is None:
        return Reason(one.name, state, None, None, _not_owed(parts, event, one))
    return Reason(one.name, state, view.id, view.state, view.rule)


def _not_owed(parts: Parts, event: Event, one: Endpoint) -> str:
    if rule := kept_away(parts, event, one):
        return f"kept away: {rule}"
    if event.name == "ping":
        return "a ping goes to the endpoint it was asked for, and to no other"
    return (
        f"not owed: the endpoint, or the filter that lets it through, was configured after the event came "
        f"({written(event.accepted_at)}); hand the event in again, under another id"
    )
