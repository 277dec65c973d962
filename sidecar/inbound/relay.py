"""`POST /hooks/drone`: a Drone server, or another sidecar, hands on an event.

Law: the signature first: it covers headers alone, so nothing of a body is read before it is right. Then the same road
as an event of the socket, resources byte for byte, and nothing of ours added: so that it ends where it came by before.
"""

import hashlib

from aiohttp import web
from msgspec import json

from sidecar import signing
from sidecar.errors import Conflicting, Forbidden, NotAnEvent
from sidecar.inbound import reading
from sidecar.inbound.parts import PARTS, Parts
from sidecar.inbound.visit import VISIT, Visit
from sidecar.model import Accepted, Event, Instance, Owed
from sidecar.web.reading import JSON, KEY, traceparent

PING = {"event": "ping", "action": ""}


async def post_drone(request: web.Request) -> web.StreamResponse:
    """Verify, read, take."""
    parts, visit = request.app[PARTS], request[VISIT]
    await _admit(request, parts, visit)
    parts.gate.check()
    body = await reading.body(request, (JSON,), parts.max_event_size, parts.body_time, parts.pace)
    try:
        signing.verify_digest(request.headers, body)
    except signing.InvalidSignature as error:
        raise Forbidden(str(error)) from None
    visit.learn(forge="drone", signature="signed: Signature")
    if _is_ping(body):
        return _told(parts, visit, 200, {"reason": "a ping: signed rightly, and handed on to nobody"})
    event = parts.drone.read(
        body,
        id=_identity(request),
        now=parts.clock.now(),
        instance=Instance(),
        traceparent=traceparent(request),
    )
    if "webhook-id" in request.headers and event.id != request.headers["webhook-id"]:
        raise NotAnEvent("`id` and webhook-id name the event differently", pointer="/id")
    visit.learn(kind=event.name, delivery=event.id, project=event.subject[:200])
    taken = await _take(parts, event)
    return _told(parts, visit, 202, {"id": event.id, "duplicate": taken.duplicate, "deliveries": taken.deliveries})


async def _admit(request: web.Request, parts: Parts, visit: Visit) -> None:
    """Raises `Forbidden` unless a holder of a secret has signed Date and Digest, now."""
    secrets = [secret.reveal() for secret in parts.relay_secrets]
    if not secrets:
        raise Forbidden("no SIDECAR_RELAY_SECRET is set, and no DRONE_WEBHOOK_SECRET: nothing is relayed")
    try:
        signing.verify_cavage_head(request.headers, secrets)
    except signing.InvalidSignature as error:
        visit.why = f"{error}; what is signed with SIDECAR_RELAY_SECRET is taken"
        await parts.slow(request)
        raise Forbidden(visit.why) from None
    try:
        signing.verify_date(request.headers, now=parts.clock.wall())
    except signing.InvalidSignature as error:
        raise Forbidden(str(error)) from None


def _identity(request: web.Request) -> str:
    """The event's id: `webhook-id`, so that chains know it again; without one, what only the same request has."""
    if (id_ := request.headers.get("webhook-id")) is not None:
        if not KEY.fullmatch(id_):
            raise NotAnEvent("webhook-id must be 1 to 128 of A-Z a-z 0-9 _ . -")
        return id_
    signed = [request.headers.get(name, "") for name in ("Digest", "Date", "Signature", "Authorization")]
    return hashlib.sha256("\n".join(signed).encode(errors="surrogatepass")).hexdigest()[:32]


def _is_ping(body: bytes) -> bool:
    """Drone sends none; sidecars do, and it is for whoever is asked, not for those behind."""
    try:
        return len(body) < 100 and json.decode(body) == PING
    except ValueError:
        return False


async def _take(parts: Parts, event: Event) -> Accepted:
    """What became of it. Raises `Conflicting` where its id is another event's."""
    parts.gate.check()
    posting = parts.posting(event)
    [added] = await parts.outbox.add([posting])
    parts.observer.answered("drone", [added])
    parts.observer.stored([posting], [added])
    if isinstance(added, Accepted):
        return added
    # It came by here before, and got its `system` here: then what it says now is what we sent.
    there = await parts.outbox.event(event.id)
    if there is None or (there.dialect, there.body) != (event.dialect, event.body):
        raise Conflicting(f"the id {event.id} is taken, by an event with another body")
    return Accepted(event.id, duplicate=True, deliveries=())


def _told(parts: Parts, visit: Visit, status: int, told: dict[str, str | bool | tuple[Owed, ...]]) -> web.Response:
    answer = json.encode(told)
    outcome = "relayed" if status == 202 else "nothing"
    visit.learn(outcome=outcome, status=status, answer=answer, reason=told.get("reason", ""))
    parts.hooks.note(visit.hook)
    return web.Response(body=answer, status=status, content_type=JSON)
