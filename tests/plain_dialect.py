"""A second dialect, as small as one can be: `{"name", "subject", "id"?}`.

Law: has what a dialect has, and one trapdoor: `{"trap": …}` raises what none should, for tests of what follows then.
"""

from typing import Any

from msgspec import DecodeError, json

from sidecar.errors import Malformed, NotAnEvent
from sidecar.model import Endpoint, Event, Instance, Request, fingerprint


def read(raw: bytes, *, id: str, now: int, instance: Instance, traceparent: str = "") -> Event:
    """The event; every member is a string."""
    try:
        given: Any = json.decode(raw)
    except DecodeError as error:
        raise Malformed(f"not JSON: {error}") from None
    if not isinstance(given, dict):
        raise NotAnEvent("an event is an object")
    if "trap" in given:
        raise RuntimeError(f"sesame {given['trap']}")
    for member in ("name", "subject"):
        if not isinstance(given.get(member), str):
            raise NotAnEvent(f"{member} must be a string", pointer=f"/{member}")
    return Event(
        id=given.get("id", id),
        dialect="plain",
        name=given["name"],
        subject=given["subject"],
        body=raw,
        fingerprint=fingerprint(raw),
        accepted_at=now,
        traceparent=traceparent,
    )


def ping(*, id: str, now: int, instance: Instance) -> Event:
    """The event `ping`."""
    return Event(id, "plain", "ping", "", b"{}", fingerprint(b"{}"), now)


def write(event: Event, endpoint: Endpoint, *, delivery: int, attempt: int, now: int, instance: Instance) -> Request:
    """The body, unsigned."""
    return Request((), event.body)


def wants(event: Event, endpoint: Endpoint) -> str:
    """Names must be the same."""
    return "" if not endpoint.events or event.name in endpoint.events else "no such name"
