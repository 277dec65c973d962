"""The socket's own operations, a row each.

Law: a row for each row of the routes, and a problem for each that its handler may raise.
"""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from sidecar import errors
from sidecar.api.answers import Deliveries, DeliveryDetail, DeliveryView, Endpoints, EndpointView, EventView
from sidecar.api.explain import Explanation
from sidecar.api.intake import Answer
from sidecar.api.keys import TYPE as JWK_SET
from sidecar.api.secret import TEXT as PLAIN
from sidecar.api.secret import NotASecret
from sidecar.api.why import Why
from sidecar.dialects import DIALECTS
from sidecar.model import State
from sidecar.openapi.operation import Operation, Parameter, Problems, Reply
from sidecar.openapi.schemas import ID, SECRETS, TEXT, Schema, event_of, one_of
from sidecar.web.problems import TooSlow
from sidecar.web.reading import JSON, NDJSON


class Said(Struct):
    """How the process is."""

    status: Literal["alive", "ready", "unready"]
    reasons: list[str] = []


class Key(Struct):
    """A public key (RFC 7517, RFC 8037)."""

    crv: str
    kty: str
    x: str
    kid: str
    use: str
    alg: str


class Keys(Struct):
    """A JWK Set."""

    keys: list[Key]


TAKING: Problems = (
    errors.Malformed,
    errors.Conflicting,
    errors.TooLarge,
    errors.WrongType,
    errors.NotAnEvent,
    errors.Unavailable,
    TooSlow,
)
EXPLAINING: Problems = tuple(kind for kind in TAKING if kind not in {errors.Conflicting, errors.Unavailable})

DIALECT = Parameter("dialect", "path", one_of(*DIALECTS), "The dialect of the event.")
EVENT_ID = Parameter("id", "path", ID, "The event's id.")
DELIVERY_ID = Parameter("id", "path", {"type": "integer", "minimum": 1}, "The delivery's number.")
ENDPOINT = Parameter("name", "path", {"type": "string", "minLength": 1}, "The endpoint's name.")
WAY_OF_TIME = "A time (RFC 3339), or a span back from now: `90s`, `2h`, `30d`."
TRACE = Parameter("traceparent", "header", TEXT, "W3C Trace Context; kept and sent on where it is well formed.")
IDEMPOTENCY = Parameter("Idempotency-Key", "header", ID, "Names the event, as `id` in the body does.")
PREFER = Parameter("Prefer", "header", TEXT, "`return=minimal`: answer a stream after its last line.")
LOG: Mapping[str, Parameter] = {
    one.name: one
    for one in (
        Parameter("endpoint", "query", TEXT, "Exactly this endpoint."),
        Parameter("state", "query", one_of(*State.__args__), "In this state."),  # type: ignore[attr-defined] # a Literal
        Parameter("event", "query", TEXT, "Exactly this event."),
        Parameter("subject", "query", TEXT, "Exactly this subject."),
        Parameter("since", "query", TEXT, f"Accepted since. {WAY_OF_TIME}"),
        Parameter("until", "query", TEXT, f"Accepted before. {WAY_OF_TIME}"),
        Parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": 1000}, "At most so many; 100."),
        Parameter("after", "query", TEXT, "The `next` of the page before."),
    )
}
LINES: Schema = {"type": "string", "description": "NDJSON: an event a line."}
ANSWERED: Schema = {"type": "string", "description": "NDJSON: an answer or a problem a line; see the reference."}
TAKEN = Reply(202, "On disk, with all that it owes.", Answer, more={NDJSON: ANSWERED})
ANY_EVENT: Schema = {"anyOf": [event_of(dialect) for dialect in DIALECTS]}


BUILD: Any = {
    "event": "build",
    "action": "updated",
    "repo": {"slug": "octocat/hello-world"},
    "build": {"number": 1, "status": "success", "ref": "refs/heads/main"},
}

SOCKET: tuple[Operation, ...] = (
    Operation(
        method="POST",
        path="/events",
        summary="Take a Drone event, or a stream of them.",
        parameters=(IDEMPOTENCY, TRACE, PREFER),
        bodies={JSON: event_of("drone"), NDJSON: LINES},
        example=BUILD,
        replies=(TAKEN,),
        problems=TAKING,
    ),
    Operation(
        method="POST",
        path="/events/{dialect}",
        summary="Take an event of a dialect, or a stream of them.",
        parameters=(DIALECT, IDEMPOTENCY, TRACE, PREFER),
        bodies={JSON: ANY_EVENT, NDJSON: LINES},
        replies=(TAKEN,),
        problems=(*TAKING, errors.NotFound),
    ),
    Operation(
        method="GET",
        path="/events/{id}",
        summary="Show an event, with what it owes.",
        parameters=(EVENT_ID,),
        replies=(Reply(200, "The event.", EventView),),
        problems=(errors.NotFound,),
    ),
    Operation(
        method="GET",
        path="/events/{id}/why",
        summary="For every endpoint, what became of an event, or why nothing is owed.",
        parameters=(EVENT_ID,),
        replies=(Reply(200, "Every endpoint, and why.", Why),),
        problems=(errors.NotFound,),
    ),
    Operation(
        method="GET",
        path="/deliveries",
        summary="List deliveries, newest first.",
        tag="deliveries",
        parameters=tuple(LOG.values()),
        replies=(Reply(200, "A page of the log.", Deliveries),),
        problems=(errors.Malformed,),
    ),
    Operation(
        method="GET",
        path="/deliveries/{id}",
        summary="Show a delivery, with its attempts.",
        tag="deliveries",
        parameters=(DELIVERY_ID,),
        replies=(Reply(200, "The delivery.", DeliveryDetail),),
        problems=(errors.NotFound,),
    ),
    Operation(
        method="POST",
        path="/deliveries/{id}/resend",
        summary="Owe a delivery again, due at once.",
        tag="deliveries",
        parameters=(DELIVERY_ID,),
        replies=(Reply(202, "It is owed again.", DeliveryView),),
        problems=(errors.NotFound, errors.Conflicting, errors.Unavailable),
    ),
    Operation(
        method="GET",
        path="/endpoints",
        summary="List the endpoints, as configured; orphaned ones last.",
        tag="endpoints",
        replies=(Reply(200, "All of them.", Endpoints),),
    ),
    Operation(
        method="POST",
        path="/endpoints/{name}/ping",
        summary="Owe a ping to this endpoint alone.",
        tag="endpoints",
        parameters=(ENDPOINT,),
        replies=(Reply(202, "On disk.", Answer),),
        problems=(errors.NotFound, errors.Unavailable),
    ),
    Operation(
        method="POST",
        path="/endpoints/{name}/pause",
        summary="Start no attempt; keep what is owed.",
        tag="endpoints",
        parameters=(ENDPOINT,),
        replies=(Reply(200, "The endpoint.", EndpointView),),
        problems=(errors.NotFound, errors.Unavailable),
    ),
    Operation(
        method="POST",
        path="/endpoints/{name}/resume",
        summary="Start attempts again.",
        tag="endpoints",
        parameters=(ENDPOINT,),
        replies=(Reply(200, "The endpoint.", EndpointView),),
        problems=(errors.NotFound, errors.Unavailable),
    ),
    Operation(
        method="PUT",
        path="/endpoints/{name}/secret",
        summary="Sign with this secret from the next attempt on.",
        tag="endpoints",
        parameters=(ENDPOINT,),
        bodies={JSON: SECRETS, PLAIN: {"type": "string", "description": "A secret a line, newest first."}},
        replies=(Reply(200, "On disk; the endpoint.", EndpointView),),
        problems=(errors.NotFound, errors.Malformed, errors.TooLarge, errors.WrongType, NotASecret, TooSlow),
    ),
    Operation(
        method="DELETE",
        path="/endpoints/{name}/secret",
        summary="Sign with the configured secret again.",
        tag="endpoints",
        parameters=(ENDPOINT,),
        replies=(Reply(200, "The endpoint.", EndpointView),),
        problems=(errors.NotFound,),
    ),
    Operation(
        method="POST",
        path="/explain",
        summary="What would become of a Drone event; nothing is stored.",
        tag="explaining",
        parameters=(IDEMPOTENCY, TRACE),
        bodies={JSON: event_of("drone")},
        example=BUILD,
        replies=(Reply(200, "Every endpoint, and why.", Explanation),),
        problems=EXPLAINING,
    ),
    Operation(
        method="POST",
        path="/explain/{dialect}",
        summary="What would become of an event of a dialect; nothing is stored.",
        tag="explaining",
        parameters=(DIALECT, IDEMPOTENCY, TRACE),
        bodies={JSON: ANY_EVENT},
        replies=(Reply(200, "Every endpoint, and why.", Explanation),),
        problems=(*EXPLAINING, errors.NotFound),
    ),
    Operation(
        method="GET",
        path="/healthz",
        summary="The process runs.",
        tag="probes",
        replies=(Reply(200, "It does.", Said),),
    ),
    Operation(
        method="GET",
        path="/readyz",
        summary="Events are taken.",
        tag="probes",
        replies=(Reply(200, "They are.", Said), Reply(503, "They are not, and why.", Said)),
    ),
    Operation(
        method="GET",
        path="/.well-known/jwks.json",
        summary="The public halves of the signing keys.",
        tag="keys",
        replies=(Reply(200, "A JWK Set.", Keys, JWK_SET),),
    ),
    Operation(
        method="GET",
        path="/metrics",
        summary="Counters and what is now, for Prometheus.",
        tag="probes",
        replies=(Reply(200, "In Prometheus' text, or OpenMetrics where `Accept` asks for it.", None, "*/*", TEXT),),
    ),
)
