"""Pagure's dialect. Law: what is sent is compared with golden requests that openssl has signed; the topics stand in
test_pagure_topics.py, what is refused in test_pagure_refusals.py.
"""

import hashlib
import hmac
import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from receivers import ok, receiving, sent

from sidecar import signing
from sidecar.dialects import pagure
from sidecar.model import Endpoint, Event, Instance, Request, Response, Secret
from sidecar.ports import Dialect
from sidecar.signing import InvalidSignature

GOLDEN = Path(__file__).parent / "golden" / "pagure"
INSTANCE = Instance(app_url="https://pagure.example/", version="1")
NOW = 1_767_323_045_000
DAY = 86_400_000
KEY = Secret(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ0123")
ENDPOINT = Endpoint("hooks", "pagure", "https://hooks.example/", (KEY,))
TRACED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PAIRS = sorted(path.name.removesuffix(".json") for path in GOLDEN.glob("*.json"))

VECTOR = (
    b'{"i": 1, "msg": {"branch": "main", "end_commit": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}, '
    b'"msg_id": "2023-1", "timestamp": 1700000000, "topic": "git.receive"}'
)
SHA1 = "722f7fcb4e7f3927a7c5576ca89771dbf0dfcd76"
SHA256 = "3842f33e80255047247789a119f0d1a3099cc9a08b394fcb547d00a2e75c0134"


def read(raw: bytes, **rest: Any) -> Event:
    return pagure.read(raw, **{"id": "evt-1", "now": NOW, "instance": INSTANCE, **rest})


def told(msg: Any = None, topic: str = "x.y", project: str = "p", **rest: Any) -> Event:
    return read(json.dumps({"topic": topic, "project": project, "msg": {} if msg is None else msg}).encode(), **rest)


def ping() -> Event:
    return pagure.ping(id="evt-ping", now=NOW, instance=INSTANCE)


def write(event: Event, endpoint: Endpoint = ENDPOINT, **rest: Any) -> Request:
    return pagure.write(event, endpoint, **{"delivery": 17, "attempt": 1, "now": NOW, "instance": INSTANCE, **rest})


def shown(request: Request) -> str:
    headers = "".join(f"{name}: {value}\n" for name, value in request.headers)
    return f"{headers}\n{request.body.decode()}\n"


def golden(name: str) -> str:
    return (GOLDEN / f"{name}.http").read_text("utf-8")


def event(name: str) -> Event:
    """The event of a golden file."""
    traced = TRACED if name == "git.receive" else ""
    return read((GOLDEN / f"{name}.json").read_bytes(), id=f"evt-{name}", traceparent=traced)


def received(request: Request, keys: list[bytes]) -> dict[str, Any]:
    """What Pagure's own advice for receivers makes of a request: verify both signatures, then rely on the body."""
    headers = {name.lower(): value for name, value in request.headers}
    for name, algorithm in (("x-pagure-signature", hashlib.sha1), ("x-pagure-signature-256", hashlib.sha256)):
        assert headers[name] in [hmac.new(key, request.body, algorithm).hexdigest() for key in keys]
    body: dict[str, Any] = json.loads(request.body)
    assert headers["x-pagure-topic"] == body["topic"]
    assert headers["x-pagure-project"] == body["msg"]["project_fullname"]
    assert headers["x-pagure"] == body["msg"]["pagure_instance"]
    return body


def test_it_is_a_dialect() -> None:
    speaks: Dialect = pagure
    assert speaks.ping(id="a", now=NOW, instance=INSTANCE).dialect == "pagure"


def test_there_are_golden_requests() -> None:
    assert {"git.receive", "git.tag.creation", "issue.edit", "pull-request.tag.added", "plugin.measured"} == set(PAIRS)


@pytest.mark.parametrize("name", PAIRS)
def test_the_request_is_pagures_byte_for_byte(name: str) -> None:
    assert shown(write(event(name))) == golden(name)


def test_a_ping_is_pagures_test_notification() -> None:
    made = ping()
    assert shown(write(made)) == golden("ping")
    assert (made.name, made.subject, made.dialect) == ("Test.notification", "ping:evt-ping", "pagure")


def test_the_published_vector_is_signed_as_published() -> None:
    request = write(Event("1", "pagure", "git.receive", "p", VECTOR, b"", NOW), Endpoint("e", "pagure", "", (K,)))
    headers = dict(request.headers)
    assert (headers["X-Pagure-Signature"], headers["X-Pagure-Signature-256"]) == (SHA1, SHA256)


K = Secret(b"K" * 40)


@pytest.mark.parametrize(("name", "algorithm"), [("X-Pagure-Signature", "sha1"), ("X-Pagure-Signature-256", "sha256")])
def test_a_signature_is_verified_and_every_change_is_seen(name: str, algorithm: str) -> None:
    right = {"x-pagure-signature": SHA1, "x-pagure-signature-256": SHA256}

    def verify(headers: dict[str, str] = right, body: bytes = VECTOR, *keys: bytes) -> None:
        signing.verify_hex(headers, body, keys or [K.reveal()], name=name, algorithm=algorithm)

    verify()
    verify(right, VECTOR, b"new", K.reveal())
    for headers, body, key in (
        (right, VECTOR + b" ", K.reveal()),
        (right, VECTOR, b"other"),
        ({name: f"{algorithm}={right[name.lower()]}"}, VECTOR, K.reveal()),
        ({name: ""}, VECTOR, K.reveal()),
        ({}, VECTOR, K.reveal()),
        ({**right, name: right[name.lower()]}, VECTOR, K.reveal()),
    ):
        with pytest.raises(InvalidSignature) as caught:
            verify(headers, body, key)
        assert caught.value.step == algorithm
        assert name in caught.value.fault


def test_every_attempt_sends_the_same_request() -> None:
    """The envelope is made when the event is accepted: not even New Year's Eve changes its `msg_id`."""
    made = event("git.receive")
    assert write(made, attempt=9, now=NOW + 400 * DAY) == write(made)


def test_the_newest_key_signs_alone() -> None:
    made, old = event("issue.edit"), Secret(b"old")
    both = Endpoint("e", "pagure", "", (KEY, old))
    assert write(made, both) == write(made)
    assert write(made, Endpoint("e", "pagure", "", (old, KEY))) != write(made)


def test_an_endpoints_own_headers_come_last() -> None:
    own = (("X-Team", "ci"), ("X-Tier", "2"))
    assert write(event("issue.edit"), Endpoint("e", "pagure", "", (KEY,), headers=own)).headers[-2:] == own


def test_an_instance_without_address_says_nothing_of_itself() -> None:
    """As for Drone's `system` block: what is not configured is not made up; what the app says itself stays."""
    quiet = Instance(version="1")
    request = write(told(instance=quiet), instance=quiet)
    assert "X-Pagure" not in dict(request.headers)
    assert json.loads(request.body)["msg"] == {"project_fullname": "p"}
    own = told({"pagure_instance": "https://own.example/"}, instance=quiet)
    assert json.loads(own.body)["msg"]["pagure_instance"] == "https://own.example/"


def test_the_two_added_members_are_ours_even_where_the_app_brings_its_own() -> None:
    made = told({"pagure_instance": "http://other.example", "project_fullname": "other"})
    assert json.loads(made.body)["msg"] == {"pagure_instance": "https://pagure.example/", "project_fullname": "p"}


@pytest.mark.parametrize(
    ("now", "i", "timestamp", "year"),
    [
        (NOW, 11_045_001, 1_767_323_045, "2026"),
        (1_767_225_599_999, DAY, 1_767_225_599, "2025"),
        (1_767_225_600_000, 1, 1_767_225_600, "2026"),
    ],
)
def test_the_envelope_tells_when_the_event_was_accepted(now: int, i: int, timestamp: int, year: str) -> None:
    envelope = json.loads(told(now=now).body)
    assert list(envelope) == ["i", "msg", "msg_id", "timestamp", "topic"]
    assert (envelope["i"], envelope["timestamp"], envelope["msg_id"][:5]) == (i, timestamp, f"{year}-")


def test_a_msg_id_is_the_events_own() -> None:
    def msg_id(id: str, now: int) -> str:
        return str(json.loads(told(id=id, now=now).body)["msg_id"])

    assert re.fullmatch(r"2026-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", msg_id("a", NOW))
    assert uuid.UUID(msg_id("a", NOW)[5:]).variant == uuid.RFC_4122
    assert msg_id("a", NOW) == msg_id("a", NOW)
    assert len({msg_id("a", NOW), msg_id("b", NOW), msg_id("a", NOW + 1)}) == 3


def test_a_ping_is_new_every_time() -> None:
    other = pagure.ping(id="evt-other", now=NOW, instance=INSTANCE)
    assert (other.subject, other.body) != (ping().subject, ping().body)


def test_the_event_is_known_by_its_topic_and_its_project() -> None:
    made = event("git.tag.creation")
    assert (made.id, made.name, made.dialect) == ("tag-1.0", "git.tag.creation", "pagure")
    assert (made.subject, made.refs, made.accepted_at) == ("forks/octocat/rpms/hello", ("refs/tags/v1.0",), NOW)
    assert (made.traceparent, event("git.receive").traceparent) == ("", TRACED)


def test_the_same_event_is_known_again_and_another_is_told_apart() -> None:
    """What the envelope adds is no part of it: asked again a day later, it is the same event."""
    raw = b'{"topic":"x.y","project":"p","msg":{"a":1}}'
    first = read(raw).fingerprint
    for again in (
        raw.replace(b',"p', b' ,\n"p'),
        b'{"id":"x",' + raw[1:],
        b'{"msg":{"a":1},"project":"p","topic":"x.y"}',
    ):
        assert read(again, now=NOW + DAY, instance=Instance(), traceparent=TRACED).fingerprint == first
    for other in (raw.replace(b"x.y", b"x.z"), raw.replace(b'"p"', b'"q"'), raw.replace(b":1", b":2")):
        assert read(other).fingerprint != first


@pytest.mark.parametrize(
    ("topics", "refs", "name", "rule"),
    [
        ((), (), "issue.edit", ""),
        (("issue.*", "git.receive"), (), "issue.edit", ""),
        (("issue.*", "git.receive"), (), "git.tag.creation", "no glob of issue.*,git.receive matches git.tag.creation"),
        (("git.*",), (), "git.tag.creation", ""),
        (("issue",), (), "issue.edit", "no glob of issue matches issue.edit"),
        (("*",), (), "pull-request.tag.added", ""),
        ((), ("refs/heads/*",), "git.receive", ""),
        ((), ("refs/tags/*", "refs/heads/ma?n"), "git.receive", ""),
        ((), ("refs/tags/*",), "git.receive", "no ref pattern of refs/tags/* matches refs/heads/main"),
        ((), ("refs/tags/*",), "issue.edit", ""),
    ],
)
def test_filters_say_which_rule_decides(topics: tuple[str, ...], refs: tuple[str, ...], name: str, rule: str) -> None:
    assert pagure.wants(event(name), Endpoint("e", "pagure", "", events=topics, refs=refs)) == rule


def test_a_ping_passes_every_filter_of_its_dialect() -> None:
    assert pagure.wants(ping(), Endpoint("e", "pagure", "", events=("issue.*",), refs=("refs/tags/*",))) == ""
    assert "dialect is drone" in pagure.wants(ping(), Endpoint("e", "drone", ""))


patient = settings(suppress_health_check=[HealthCheck.too_slow])
"""For texts: in a fresh checkout, hypothesis first takes seconds to make its tables of all letters."""

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(max_size=8), VALUES, max_size=5)


@patient
@given(msg=OBJECTS, ascii_=st.booleans(), spaced=st.booleans())
def test_a_receiver_reads_what_was_handed_in(msg: dict[str, Any], ascii_: bool, spaced: bool) -> None:
    """Through both signatures, whatever the numbers and letters; and the body is Pagure's own way to write it."""
    given_ = {"topic": "x.y", "project": "p", "msg": msg}
    raw = json.dumps(given_, ensure_ascii=ascii_, indent=2 if spaced else None).encode()
    request = write(read(raw))
    body = received(request, [KEY.reveal()])
    added = {"pagure_instance": "https://pagure.example/", "project_fullname": "p"}
    assert body["msg"] == {**msg, **added}
    assert request.body == json.dumps(body, sort_keys=True).encode()


async def test_a_project_of_any_script_reaches_its_receiver() -> None:
    """On the wire, headers are UTF-8."""
    request = write(told(project="ns/Ελληνικά"))
    async with receiving(ok) as receiver:
        assert isinstance(await sent(receiver.url(), request=request), Response)
        [came] = receiver.received
    assert came.body == request.body
    assert came.headers["x-pagure-project"] == "ns/Ελληνικά"
