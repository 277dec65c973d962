"""`/explain`: what would become of an event, were it posted now.

Law: nothing is stored, and no secret shown: an endpoint's own headers are masked before its request is made. Signed by
the secrets that count now.
"""

from aiohttp import web
from msgspec import Struct, structs

from sidecar.api.answers import answer
from sidecar.api.intake import DEFAULT, Intake
from sidecar.api.parts import PARTS, Parts
from sidecar.errors import WrongType
from sidecar.model import Endpoint, EndpointState, Event
from sidecar.web.reading import JSON, body, content_type, idempotency_key

MASK = "***"


class EventBrief(Struct):
    """The event as it was read."""

    id: str
    name: str
    subject: str
    refs: tuple[str, ...]


class RequestView(Struct):
    """The first attempt's request, with its real signatures; `body` is text."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: str


class Explained(Struct):
    """What an endpoint has to do with the event. `rule` keeps it away, "" for none; `request` is null then."""

    endpoint: str
    dialect: str
    wanted: bool
    rule: str
    state: EndpointState
    request: RequestView | None


class Explanation(Struct):
    """The event, and every endpoint that is configured, in that order."""

    event: EventBrief
    endpoints: list[Explained]


async def explain(request: web.Request) -> web.StreamResponse:
    """`POST /explain` is Drone's, `POST /explain/{dialect}` any other's; also while the sidecar drains."""
    parts = request.app[PARTS]
    intake = Intake.of(request, parts, request.match_info.get("dialect", DEFAULT))
    if content_type(request) != JSON:
        raise WrongType(f"one event is explained at a time: send it as {JSON}")
    key = idempotency_key(request)
    raw = await body(request, parts.max_event_size, parts.stall)
    event = intake.event(raw, parts.clock.now(), key)
    brief = EventBrief(event.id, event.name, event.subject, event.refs)
    return answer(Explanation(brief, [_explained(parts, event, one) for one in parts.endpoints.values()]))


def _explained(parts: Parts, event: Event, one: Endpoint) -> Explained:
    rule = kept_away(parts, event, one)
    return Explained(
        endpoint=one.name,
        dialect=one.dialect,
        wanted=not rule,
        rule=rule,
        state=parts.control.health(one.name).state,
        request=None if rule else _request(parts, event, one),
    )


def kept_away(parts: Parts, event: Event, one: Endpoint) -> str:
    """The rule that keeps the event away from the endpoint as it is configured now, "" for none."""
    if one.dialect != event.dialect:
        return f"speaks {one.dialect}; this is a {event.dialect} event"
    return parts.dialects[event.dialect].wants(event, one)


def _request(parts: Parts, event: Event, one: Endpoint) -> RequestView:
    secrets = parts.registry.secrets().get(one.name, one.secrets)
    masked = structs.replace(one, secrets=secrets, headers=tuple((name, MASK) for name, _ in one.headers))
    made = parts.dialects[event.dialect].write(
        event, masked, delivery=0, attempt=1, now=parts.clock.wall(), instance=parts.instance
    )
    return RequestView("POST", one.shown_url, made.headers, made.body.decode(errors="replace"))
