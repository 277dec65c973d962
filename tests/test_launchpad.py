"""Launchpad's dialect. Law: what is sent is compared with golden requests that openssl has signed; the types stand in
test_launchpad_types.py, filters in test_launchpad_filters.py, what is refused in test_launchpad_refusals.py.
"""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from receivers import ok, receiving, sent

from sidecar import signing
from sidecar.dialects import launchpad
from sidecar.model import Endpoint, Event, Instance, Request, Response, Secret
from sidecar.ports import Dialect
from sidecar.signing import InvalidSignature

GOLDEN = Path(__file__).parent / "golden" / "launchpad"
INSTANCE = Instance(launchpad_host="launchpad.example", version="1")
NOW = 1_767_323_045_000
KEY = Secret(b"sekrit")
ENDPOINT = Endpoint("hooks", "launchpad", "https://hooks.example/", (KEY,))
UNSIGNED = Endpoint("hooks", "launchpad", "https://hooks.example/")
TRACED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PAIRS = sorted(path.stem for path in GOLDEN.glob("*.json"))
PING = b'{"ping": true}'
VECTOR = "sha1=1f84d89bbe1829e5842139181297352653e26a8d"


def read(raw: bytes, **rest: Any) -> Event:
    return launchpad.read(raw, **{"id": "evt-1", "now": NOW, "instance": INSTANCE, **rest})


def ping() -> Event:
    return launchpad.ping(id="evt-ping", now=NOW, instance=INSTANCE)


def write(event: Event, endpoint: Endpoint = ENDPOINT, **rest: Any) -> Request:
    return launchpad.write(event, endpoint, **{"delivery": 17, "attempt": 1, "now": NOW, "instance": INSTANCE, **rest})


def shown(request: Request) -> str:
    headers = "".join(f"{name}: {value}\n" for name, value in request.headers)
    return f"{headers}\n{request.body.decode()}\n"


def golden(name: str) -> str:
    return (GOLDEN / f"{name}.http").read_text("utf-8")


def event(name: str) -> Event:
    """The event of a golden file."""
    traced = TRACED if name == "git-push" else ""
    return read((GOLDEN / f"{name}.json").read_bytes(), id=f"evt-{name}", traceparent=traced)


def received(request: Request, secret: bytes) -> Any:
    """What a receiver makes of a request: verify the signature (PubSubHubbub), then read the body."""
    headers = dict(request.headers)
    assert headers["X-Hub-Signature"] == "sha1=" + hmac.new(secret, request.body, hashlib.sha1).hexdigest()
    return json.loads(request.body)


def test_it_is_a_dialect() -> None:
    speaks: Dialect = launchpad
    assert speaks.ping(id="a", now=NOW, instance=INSTANCE).dialect == "launchpad"


def test_there_are_golden_requests() -> None:
    assert set(PAIRS) == {
        *("git-push", "bzr-push", "merge-proposal-push", "ci-build", "snap-build", "ocrecipe-build"),
        *("oci-recipe-build", "bug", "bug-reported", "bug-comment", "archive-binary-build"),
    }


@pytest.mark.parametrize("name", PAIRS)
def test_the_request_is_launchpads_byte_for_byte(name: str) -> None:
    assert shown(write(event(name))) == golden(name)


def test_a_ping_is_signed_alike() -> None:
    assert shown(write(ping())) == golden("ping")
    assert (ping().name, ping().subject, ping().body) == ("ping", "ping:evt-ping", PING)


def test_without_a_secret_there_is_no_signature() -> None:
    assert shown(write(ping(), UNSIGNED)) == golden("ping.unsigned")


def test_the_published_vector_is_signed_as_published() -> None:
    assert dict(write(ping()).headers)["X-Hub-Signature"] == VECTOR


def test_the_signature_is_verified_and_every_change_is_seen() -> None:
    def verify(headers: dict[str, str], body: bytes, *keys: bytes) -> None:
        signing.verify_hex(headers, body, keys, name="X-Hub-Signature", algorithm="sha1", prefix="sha1=")

    verify({"x-hub-signature": VECTOR}, PING, b"new", b"sekrit")
    for headers, body, key in (
        ({"X-Hub-Signature": VECTOR}, b'{"ping": false}', b"sekrit"),
        ({"X-Hub-Signature": VECTOR}, PING, b"secret"),
        ({"X-Hub-Signature": VECTOR[5:]}, PING, b"sekrit"),
        ({"X-Hub-Signature": "sha256=" + VECTOR[5:]}, PING, b"sekrit"),
        ({}, PING, b"sekrit"),
    ):
        with pytest.raises(InvalidSignature, match="X-Hub-Signature"):
            verify(headers, body, key)


def test_every_attempt_sends_the_same_request() -> None:
    """A delivery keeps its number: it is the receiver's to sort by and to know again."""
    made = event("git-push")
    assert write(made, attempt=9, now=NOW + 86_400_000) == write(made)
    assert dict(write(made, delivery=2**40).headers)["X-Launchpad-Delivery"] == "1099511627776"


def test_the_newest_secret_signs_alone() -> None:
    made, old = event("bug"), Secret(b"old")
    assert write(made, Endpoint("e", "launchpad", "", (KEY, old))) == write(made)
    assert write(made, Endpoint("e", "launchpad", "", (old, KEY))) != write(made)


def test_an_endpoints_own_headers_come_last() -> None:
    own = (("X-Team", "ci"), ("X-Tier", "2"))
    assert write(event("bug"), Endpoint("e", "launchpad", "", (KEY,), headers=own)).headers[-2:] == own


def test_the_user_agent_begins_as_launchpads() -> None:
    real = Instance(version="0.1.0")
    assert dict(write(ping(), instance=real).headers)["User-Agent"] == "launchpad.net-Webhooks/0.1.0"


@pytest.mark.parametrize(
    ("name", "type", "subject", "id"),
    [
        ("git-push", "git:push:0.1", "/~octocat/hello/+git/hello", "evt-git-push"),
        ("bzr-push", "bzr:push:0.1", "/~octocat/hello/trunk", "bzr-2"),
        (
            "merge-proposal-push",
            "merge-proposal:0.1::push",
            "/~octocat/hello/+git/hello/+merge/9",
            "evt-merge-proposal-push",
        ),
        ("bug", "bug:0.1", "/bugs/1", "evt-bug"),
        ("bug-comment", "bug:comment:0.1", "/hello", "evt-bug-comment"),
    ],
)
def test_the_event_is_known_by_its_type_and_its_target(name: str, type: str, subject: str, id: str) -> None:
    made = event(name)
    assert (made.name, made.subject, made.id) == (type, subject, id)
    assert (made.dialect, made.accepted_at, event("git-push").traceparent) == ("launchpad", NOW, TRACED)


def test_what_filters_know_the_receiver_is_not_told() -> None:
    sent = dict(write(event("archive-binary-build")).headers)
    assert sent["X-Launchpad-Event-Type"] == "archive:binary-build:0.1"


def test_the_same_event_is_known_again_and_another_is_told_apart() -> None:
    raw = b'{"type":"x:0.1","payload":{"a": 1}}'
    first = read(raw).fingerprint
    for again in (raw.replace(b",", b" ,\n"), b'{"id":"x",' + raw[1:], b'{"target":null,' + raw[1:]):
        assert read(again, now=NOW + 1, instance=Instance(), traceparent=TRACED).fingerprint == first
    for other in (
        raw.replace(b"x:0.1", b"x:0.2"),
        raw.replace(b"x:0.1", b"x:0.1::sub"),
        raw.replace(b" 1", b" 2"),
        b'{"target":"/t",' + raw[1:],
    ):
        assert read(other).fingerprint != first


patient = settings(suppress_health_check=[HealthCheck.too_slow])
"""For texts: in a fresh checkout, hypothesis first takes seconds to make its tables of all letters."""

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@patient
@given(payload=st.dictionaries(st.text(max_size=8), VALUES, max_size=5), ascii_=st.booleans(), spaced=st.booleans())
def test_a_receiver_reads_what_was_handed_in(payload: dict[str, Any], ascii_: bool, spaced: bool) -> None:
    """Byte for byte, with every space, every order and every way to write a number."""
    body = json.dumps(payload, ensure_ascii=ascii_, indent=2 if spaced else None).encode()
    request = write(read(b'{ "payload" :%b\n,"type":"x:y:0.1" }' % body))
    assert request.body == body
    assert received(request, b"sekrit") == payload


@pytest.mark.parametrize("number", [b"1.50e+00", b"-0", b"1e999", b"1" * 6000, b"0.1000000000000000055511151231257827"])
def test_a_number_goes_out_as_it_came(number: bytes) -> None:
    assert read(b'{"type":"x:0.1","payload":{"n":%b}}' % number).body == b'{"n":%b}' % number


async def test_a_request_reaches_its_receiver_whole() -> None:
    request = write(event("bug"))
    async with receiving(ok) as receiver:
        assert isinstance(await sent(receiver.url(), request=request), Response)
        [came] = receiver.received
    assert came.body == request.body
    for name, value in request.headers:
        assert came.headers[name.lower()] == value
