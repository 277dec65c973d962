"""Launchpad's dialect: its event types, and the request its webhooks would make.

Law: pure. The payload is the body, byte for byte. The header says the type without its `::sub`, which only filters
look at; a request is signed where there is a secret.
"""

import re
from collections.abc import Callable, Mapping

from msgspec import Raw, Struct

from sidecar import signing
from sidecar.dialects._faults import lacking, nearest, quoted
from sidecar.dialects._filters import foreign, no_glob, no_ref
from sidecar.dialects._launchpad_types import BUILD, KINDS, PATHS, PING, PROPOSAL, PUSH, TYPES, Type
from sidecar.dialects._reading import Members, Reader, check, check_kind, event_id, plain
from sidecar.errors import NotAnEvent
from sidecar.model import Endpoint, Event, Instance, Request, fingerprint

__all__ = ["KINDS", "TYPES", "Type", "ping", "read", "wants", "write"]

BODY = b'{"ping": true}'
WORDS = r"[A-Za-z0-9_-]+(?::[A-Za-z0-9_-]+)*"
TYPE = re.compile(rf"ping|{WORDS}:[0-9]+(?:\.[0-9]+)*(?:::[A-Za-z0-9_-]+)?")
LONGEST = 512
"""Characters of a type: it is a header too."""


class Given(Struct, forbid_unknown_fields=True, gc=False):
    """An event as handed in; the payload is the bytes that came."""

    type: str | None = None
    payload: Raw = Raw()
    target: str | None = None
    id: str | None = None


_reader = Reader(Given, 'of the form {"type": …, "payload": {…}}', numbers=False)


def read(raw: bytes, *, id: str, now: int, instance: Instance, traceparent: str = "") -> Event:
    """The event that `raw` tells of: `{"type", "payload", "target"?, "id"?}`; under `id` where it names none. Raises
    `Malformed` or `NotAnEvent`."""
    given, whole = _reader.read(raw)
    name = _name(given.type)
    payload = _payload(name, whole)
    body, target = bytes(given.payload), given.target or ""
    return Event(
        id=event_id(given.id, id),
        dialect="launchpad",
        name=name,
        subject=plain(target, "target") or _object(name, payload),
        body=body,
        fingerprint=fingerprint(name.encode(), body, target.encode()),
        accepted_at=now,
        refs=REFS.get(_parent(name), _no_refs)(payload),
        traceparent=traceparent,
    )


def ping(*, id: str, now: int, instance: Instance) -> Event:
    """A test event; a subject of its own, so that it waits for no other."""
    return Event(id, "launchpad", PING, f"ping:{id}", BODY, fingerprint(BODY), now)


def write(event: Event, endpoint: Endpoint, *, delivery: int, attempt: int, now: int, instance: Instance) -> Request:
    """The request of any attempt: nothing in it tells one from another. `event.body` is its body, untouched."""
    headers = [
        ("User-Agent", f"{instance.launchpad_host}-Webhooks/{instance.version}"),
        ("Content-Type", "application/json"),
        ("X-Launchpad-Event-Type", _parent(event.name)),
        ("X-Launchpad-Delivery", str(delivery)),
    ]
    if endpoint.secrets:
        signature = signing.sign_hex(endpoint.secrets[0].reveal(), event.body, "sha1")
        headers.append(("X-Hub-Signature", f"sha1={signature}"))
    headers.append(("webhook-id", event.id))
    if event.traceparent:
        headers.append(("traceparent", event.traceparent))
    return Request((*headers, *endpoint.headers), event.body)


def wants(event: Event, endpoint: Endpoint) -> str:
    """The rule that keeps the event away from the endpoint, "" for none. A glob may match the type with its `::sub` or
    without. A build or a proposal that tells of no ref passes every ref pattern; a push that changed none, none."""
    if rule := foreign(event, endpoint):
        return rule
    if event.name == PING:
        return ""
    parent = _parent(event.name)
    if rule := no_glob(endpoint.events, event.name, parent):
        return rule
    if event.refs or parent == PUSH:
        return no_ref(endpoint.refs, event.refs, without="a push that changed no ref")
    return ""


def _parent(name: str) -> str:
    return name.partition("::")[0]


def _name(given: str | None) -> str:
    if given is None:
        raise NotAnEvent("type is missing; it is one of Launchpad's, such as git:push:0.1", pointer="/type")
    if len(given) > LONGEST or not TYPE.fullmatch(given):
        near = nearest(given, TYPES)
        way_out = f"did you mean {near}?" if near else "it is of the form git:push:0.1, a version last"
        raise NotAnEvent(f"type is {quoted(given)}; {way_out}", pointer="/type")
    return given


def _payload(name: str, whole: Members) -> Members:
    payload: Members | None = whole.get("payload")
    if payload is None:
        raise lacking("payload", whose="an event")
    check_kind(payload, dict, "payload")
    parent = _parent(name)
    if parent not in TYPES:
        return payload
    row = TYPES[parent]
    check(payload, row.keys, KINDS, "payload", parent)
    for member, action in row.unless.items():
        if payload.get(member) is not None:
            check_kind(payload[member], KINDS[member], "payload", member)
        elif payload["action"] != action:
            raise lacking("payload", member, whose=f"{parent}, unless its action is {action},")
    return payload


def _object(name: str, payload: Members) -> str:
    """The path of what the event is about; the type where it tells of none."""
    parent = _parent(name)
    member = TYPES[parent].about if parent in TYPES else ""
    return (plain(payload[member], "payload", member) if member else "") or parent


def _pushed_refs(payload: Members) -> tuple[str, ...]:
    changes: Members = payload["ref_changes"]
    for ref, change in changes.items():
        check_kind(change, dict, "payload", "ref_changes", ref)
    return tuple(changes)


def _build_refs(payload: Members) -> tuple[str, ...]:
    """Launchpad knows a build's `git_refs` and does not send them; who hands in a build may."""
    refs = payload.get("git_refs")
    if refs is None:
        return ()
    check_kind(refs, list, "payload", "git_refs")
    for index, ref in enumerate(refs):
        check_kind(ref, str, "payload", "git_refs", str(index))
    return tuple(dict.fromkeys(refs))


def _proposal_refs(payload: Members) -> tuple[str, ...]:
    found = []
    for age in ("new", "old"):
        attributes: Members = payload.get(age) or {}
        for path in PATHS:
            if (ref := attributes.get(path)) is not None:
                check_kind(ref, str, "payload", age, path)
                found.append(ref)
    return tuple(dict.fromkeys(found))


def _no_refs(payload: Members) -> tuple[str, ...]:
    return ()


REFS: Mapping[str, Callable[[Members], tuple[str, ...]]] = {
    PUSH: _pushed_refs,
    BUILD: _build_refs,
    PROPOSAL: _proposal_refs,
}
"""By parent type, the git refs that a payload tells of, each once."""
