"""What a verified request tells, in each dialect. Law: what is told comes from the body that was verified; a header
says nothing that the body does not bear out, but where a dialect has it nowhere else: then the page says so."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import DecodeError, Struct, json

from sidecar.dialects import launchpad
from sidecar.errors import Problem
from sidecar.model import Instance
from sidecar.receiver.schemes import DRONE, LAUNCHPAD, PAGURE, Headers, Scheme
from sidecar.signing import InvalidSignature

_LONGEST = 18  # digits that fit in 64 bits


class Verified(Struct, frozen=True):
    """A request whose signatures are right.

    Attributes:
        event: Drone's `user`, `repo`, `build` or `ping`; Pagure's topic; Launchpad's type, which its header alone says
            and no signature covers: the body has what such an event must have.
        name: `build:updated`; elsewhere the event.
        subject: the repo's slug, else the user's login; Pagure's project; Launchpad's object. "" for none.
        id: the event's, the same on every attempt: tells what came before. "" from a sender that gives none; signed
            under `standard` and `rfc9421` alone. Where Pagure itself sends, its `msg_id`.
        delivery, attempt: numbers, not signed; 0 from a sender that gives none.
        schemes: the signatures that were verified.
        body: the JSON.
    """

    event: str
    name: str
    subject: str
    id: str
    delivery: int
    attempt: int
    schemes: tuple[str, ...]
    body: dict[str, Any]


Schemes = tuple[str, ...]


def drone(headers: Headers, body: bytes, schemes: Schemes) -> Verified:
    """Drone's event, of a body that is verified. Raises `InvalidSignature` where it is none."""
    told = _object(body)
    event, action = told.get("event"), told.get("action", "")
    if not isinstance(event, str) or not event or not isinstance(action, str):
        raise InvalidSignature("event", "the body names no event")
    _agree(headers, "X-Drone-Event", event)
    return Verified(
        event=event,
        name=f"{event}:{action}" if action else event,
        subject=_text(told.get("repo"), "slug") or _text(told.get("user"), "login"),
        id=_one(headers, "webhook-id"),
        delivery=_number(_one(headers, "X-Drone-Delivery")),
        attempt=_number(_one(headers, "X-Drone-Attempt")),
        schemes=schemes,
        body=told,
    )


def pagure(headers: Headers, body: bytes, schemes: Schemes) -> Verified:
    """Pagure's, of its envelope."""
    told = _object(body)
    topic, project = _text(told, "topic"), _text(told.get("msg"), "project_fullname")
    if not topic:
        raise InvalidSignature("event", "the body names no topic")
    _agree(headers, "X-Pagure-Topic", topic)
    return Verified(
        event=topic,
        name=topic,
        subject=project,
        id=_one(headers, "webhook-id") or _text(told, "msg_id"),
        delivery=0,
        attempt=0,
        schemes=schemes,
        body=told,
    )


def of_launchpad(headers: Headers, body: bytes, schemes: Schemes) -> Verified:
    """Launchpad's; the body must be what the type that the header names has."""
    told = _object(body)
    type_ = _one(headers, "X-Launchpad-Event-Type")
    given = json.encode({"type": type_})[:-1] + b',"payload":' + body + b"}"
    try:
        event = launchpad.read(given, id="-", now=0, instance=Instance())
    except Problem as fault:
        raise InvalidSignature("event", f"the body is not what X-Launchpad-Event-Type says: {fault.detail}") from None
    return Verified(
        event=type_,
        name=type_,
        subject=event.subject,
        id=_one(headers, "webhook-id"),
        delivery=_number(_one(headers, "X-Launchpad-Delivery")),
        attempt=0,
        schemes=schemes,
        body=told,
    )


def _agree(headers: Headers, name: str, event: str) -> None:
    if _one(headers, name) != event:
        raise InvalidSignature("event", f"{name} is missing, or not what the body says: {event[:40]}")


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = json.decode(body)
    except (DecodeError, ValueError, RecursionError):
        raise InvalidSignature("event", "the body is not JSON") from None
    if not isinstance(told, dict):
        raise InvalidSignature("event", "the body is no JSON object")
    return told


def _one(headers: Headers, name: str) -> str:
    """The one value of a header; "" where there is none, or several that differ."""
    found = {value for key, value in headers.items() if key.lower() == name.lower()}
    return found.pop() if len(found) == 1 else ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST else 0


def _text(resource: object, member: str) -> str:
    value = resource.get(member) if isinstance(resource, dict) else None
    return value if isinstance(value, str) else ""


class Spoken(Struct, frozen=True):
    """A dialect: how its requests are signed, and how they are read."""

    schemes: Mapping[str, Scheme]
    read: Callable[[Headers, bytes, Schemes], Verified]


DIALECTS: Mapping[str, Spoken] = {
    "drone": Spoken(DRONE, drone),
    "launchpad": Spoken(LAUNCHPAD, of_launchpad),
    "pagure": Spoken(PAGURE, pagure),
}
