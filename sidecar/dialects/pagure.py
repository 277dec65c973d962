"""Pagure's dialect: its topics, and the request its web-hooks would make.

Law: pure. The envelope is made once, when the event is accepted, so that every attempt sends the same bytes: what
`json.dumps(…, sort_keys=True)` makes of it, as in Pagure. One pair of signatures, by the newest key.
"""

import re
from datetime import UTC, datetime, timedelta
from json import JSONEncoder
from uuid import NAMESPACE_URL, uuid5

from msgspec import Raw, Struct

from sidecar import signing
from sidecar.dialects._faults import lacking, malformed, nearest, quoted
from sidecar.dialects._filters import foreign, no_glob, no_ref
from sidecar.dialects._pagure_topics import KINDS, REFS, TOPICS
from sidecar.dialects._reading import Members, Reader, check, check_kind, event_id, plain
from sidecar.errors import NotAnEvent
from sidecar.model import Endpoint, Event, Instance, Request, fingerprint

__all__ = ["KINDS", "TOPICS", "ping", "read", "wants", "write"]

PING = "Test.notification"
CONTENT = "Test message"
TOPIC = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+")
LONGEST = 512
"""Characters of a topic or a project: they are headers too."""

DAY = 86_400_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Given(Struct, forbid_unknown_fields=True, gc=False):
    """An event as handed in."""

    topic: str | None = None
    project: str | None = None
    msg: Raw = Raw()
    id: str | None = None


_reader = Reader(Given, 'of the form {"topic": …, "project": …, "msg": {…}}')
_encode = JSONEncoder(sort_keys=True, allow_nan=False, check_circular=False).encode


def read(raw: bytes, *, id: str, now: int, instance: Instance, traceparent: str = "") -> Event:
    """The event that `raw` tells of: `{"topic", "project", "msg", "id"?}`; under `id` where it names none.

    Integers of whatever size and texts are sent as they came; a number with a point or an exponent is a double, as in
    Pagure. Raises `Malformed` or `NotAnEvent`.
    """
    given, whole = _reader.read(raw)
    named = event_id(given.id, id)
    topic, project = _topic(given.topic), _project(given.project)
    msg = _msg(topic, whole)
    return Event(
        id=named,
        dialect="pagure",
        name=topic,
        subject=project,
        body=_envelope(topic, project, msg, id=named, now=now, app_url=instance.app_url),
        fingerprint=fingerprint(topic.encode(), project.encode(), bytes(given.msg)),
        accepted_at=now,
        refs=_refs(topic, msg),
        traceparent=traceparent,
    )


def ping(*, id: str, now: int, instance: Instance) -> Event:
    """What Pagure's test button sends; of a project of its own, so that it waits for no other."""
    project = f"ping:{id}"
    body = _envelope(PING, project, {"content": CONTENT}, id=id, now=now, app_url=instance.app_url)
    return Event(id, "pagure", PING, project, body, fingerprint(CONTENT.encode()), now)


def write(event: Event, endpoint: Endpoint, *, delivery: int, attempt: int, now: int, instance: Instance) -> Request:
    """The request of any attempt: nothing in it tells one from another. `event.body` is its body, untouched. `X-Pagure`
    is left out where `PAGURE_APP_URL` is not set, as `pagure_instance` is in the body."""
    key = endpoint.secrets[0].reveal()
    headers = [("X-Pagure", instance.app_url)] if instance.app_url else []
    headers += (
        ("X-Pagure-Project", event.subject),
        ("X-Pagure-Signature", signing.sign_hex(key, event.body, "sha1")),
        ("X-Pagure-Signature-256", signing.sign_hex(key, event.body, "sha256")),
        ("X-Pagure-Topic", event.name),
        ("Content-Type", "application/json"),
        ("User-Agent", f"drone-webhook-sidecar/{instance.version}"),
        ("webhook-id", event.id),
    )
    if event.traceparent:
        headers.append(("traceparent", event.traceparent))
    return Request((*headers, *endpoint.headers), event.body)


def wants(event: Event, endpoint: Endpoint) -> str:
    """The rule that keeps the event away from the endpoint, "" for none. A test notification passes every filter."""
    if rule := foreign(event, endpoint):
        return rule
    if event.name == PING:
        return ""
    if rule := no_glob(endpoint.events, event.name):
        return rule
    return no_ref(endpoint.refs, event.refs, without="a push without ref") if event.name in REFS else ""


def _topic(given: str | None) -> str:
    if given is None:
        raise NotAnEvent("topic is missing; it is one of Pagure's, such as issue.new", pointer="/topic")
    if len(given) > LONGEST or not TOPIC.fullmatch(given):
        near = nearest(given, TOPICS)
        way_out = f"did you mean {near}?" if near else "write words of A-Z a-z 0-9 _ - with dots between"
        raise NotAnEvent(f"topic is {quoted(given)}; {way_out}", pointer="/topic")
    return given


def _project(given: str | None) -> str:
    if not given:
        raise NotAnEvent("project is missing or empty; it is the full name, such as rpms/bash", pointer="/project")
    if len(given) > LONGEST or given != given.strip():
        raise NotAnEvent(
            f"project has blanks around it, or more than {LONGEST} characters; write the full name, such as rpms/bash",
            pointer="/project",
        )
    return plain(given, "project")


def _msg(topic: str, whole: Members) -> Members:
    msg: Members | None = whole.get("msg")
    if msg is None:
        raise lacking("msg", whose="an event")
    check_kind(msg, dict, "msg")
    check(msg, TOPICS.get(topic, ()), KINDS, "msg", topic)
    return msg


def _refs(topic: str, msg: Members) -> tuple[str, ...]:
    """A new tag comes as a `git.receive` whose branch is its short name: there, nothing tells it from a branch."""
    if topic not in REFS:
        return ()
    member, prefix = REFS[topic]
    name: str = msg[member]
    return (name if name.startswith("refs/") else prefix + name,) if name else ()


def _envelope(topic: str, project: str, msg: Members, *, id: str, now: int, app_url: str) -> bytes:
    """The body. `msg_id` is the event's, so it stays the same when the same event is read again at the same time; `i`
    rises within a day (the ms of it, from 1): Pagure's counts from 1 in every worker process, and orders no more."""
    msg = {**msg, "project_fullname": project}
    if app_url:
        msg["pagure_instance"] = app_url
    year = (EPOCH + timedelta(milliseconds=now)).year
    envelope = {
        "i": now % DAY + 1,
        "msg": msg,
        "msg_id": f"{year}-{uuid5(NAMESPACE_URL, f'webhook:{id}:{now}')}",
        "timestamp": now // 1000,
        "topic": topic,
    }
    try:
        return _encode(envelope).encode()
    except RecursionError as error:
        raise malformed(error, b"") from None
    except ValueError:
        raise NotAnEvent("msg has a number that is too large for a double", pointer="/msg") from None
