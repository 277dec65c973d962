"""What is no event of Launchpad's is refused, and told why. Law: nothing that comes is a surprise, and nothing is
forwarded that a strict reader of JSON would not take.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.dialects import launchpad
from sidecar.errors import Malformed, NotAnEvent, Problem
from sidecar.model import Endpoint, Event, Instance, Secret

GOLDEN = sorted((Path(__file__).parent / "golden" / "launchpad").glob("*.json"))
INSTANCE = Instance(version="1")
ENDPOINT = Endpoint("e", "launchpad", "", (Secret(b"sekrit"),))
DEEP = b"[" * 100_000 + b"]" * 100_000


def read(raw: bytes) -> Event:
    return launchpad.read(raw, id="evt-1", now=0, instance=INSTANCE)


def payload(members: bytes) -> bytes:
    return b'{"type":"x:0.1","payload":{%b}}' % members


def of(type: bytes, rest: bytes = b"") -> bytes:
    return b'{"type":%b,"payload":{}%b}' % (type, rest)


BUG = b'"action":"created","target":"/p","new":{}'

NO_JSON: list[tuple[bytes, str]] = [
    (b"", "truncated"),
    (b'{"payload":{', "truncated"),
    (b'{"tpye":1,', "truncated"),
    (payload(b"") + b"{}", "trailing"),
    (b"\xef\xbb\xbf{}", "malformed"),
    (payload(b'"x":"\xff"'), "no UTF-8"),
    (payload(b'"\xc0\x80":1'), "no UTF-8"),
    (payload(b'"x":"\\ud800"'), "half of a surrogate pair"),
    (payload(b'"x":"\\udc00 "'), "half of a surrogate pair"),
    (payload(b'"x":NaN'), "invalid character"),
    (payload(b'"x":-Infinity'), "invalid character"),
    (payload(b'"x":1.'), "invalid number"),
    (payload(b'"x":"a\nb"'), "invalid character"),
    (payload(b'"x":1,'), "trailing comma"),
    (payload(b'"x":' + DEEP), "too deeply"),
    (payload(b'"x":1,"x":' + DEEP), "too deeply"),
]

NO_EVENT: list[tuple[bytes, str, str]] = [
    # the event as a whole
    (b"[]", "", 'an event is a JSON object, of the form {"type": …'),
    (b"{}", "/type", "type is missing; it is one of Launchpad's"),
    (b'{"event":"build"}', "/event", "there is type, payload, target, id"),
    (b'{"taget":"/p"}', "/taget", "did you mean target?"),
    (b'{"type":"bug:0.1"}', "/payload", "payload is missing"),
    (b'{"type":"bug:0.1","payload":null}', "/payload", "payload is missing"),
    (b'{"type":"bug:0.1","payload":[]}', "/payload", "payload: expected an object, got an array"),
    (b'{"type":"x:0.1","payload":5}', "/payload", "payload: expected an object, got a number"),
    (of(b'"x:0.1"', b',"id":7'), "/id", "id: expected str"),
    (of(b'"x:0.1"', b',"id":"a b"'), "/id", "1 to 128"),
    (of(b'"x:0.1"', b',"target":7'), "/target", "target: expected str"),
    (of(b'"x:0.1"', b',"target":"/p\\n"'), "/target", "control character"),
    # type
    (of(b"null"), "/type", "type is missing"),
    (of(b"5"), "/type", "type: expected str"),
    (of(b'""'), "/type", "type is ''; it is of the form git:push:0.1, a version last"),
    (of(b'"git:push"'), "/type", "did you mean git:push:0.1?"),
    (of(b'"merge-proposal"'), "/type", "did you mean merge-proposal:0.1?"),
    (of(b'"git:push:0.1::"'), "/type", "did you mean git:push:0.1?"),
    (of(b'"ping::x"'), "/type", "did you mean ping?"),
    (of(b'"x:0.1::a::b"'), "/type", "a version last"),
    (of(b'"x:0.1::a:b"'), "/type", "a version last"),
    (of(b'":0.1"'), "/type", "type is ':0.1'; "),
    (of(b'"x:0.1\\n"'), "/type", "a version last"),
    (of(b'"x:0.1\\r\\nX-Evil: 1"'), "/type", "a version last"),
    (of(b'"\xc3\xa9:0.1"'), "/type", "a version last"),
    (of(b'"x:' + b"1" * 600 + b'"'), "/type", "1…'"),
    # what a payload is about
    (b'{"type":"bug:0.1","payload":{%b}}' % BUG, "/payload/bug", "payload.bug is missing; bug:0.1 needs it"),
    (b'{"type":"bug:0.1","payload":{%b,"bug":"/b\\u0000"}}' % BUG, "/payload/bug", "control character"),
    # given twice
    (b'{"type":"x:0.1","type":"x:0.1","payload":{}}', "/type", "type is given twice"),
    (of(b'"x:0.1"', b',"payload":{}'), "/payload", "payload is given twice"),
    (payload(b'"a":1,"\\u0061":1'), "/payload/a", "receivers would differ in which they take"),
    (payload(b'"a":[0,{"b":{"c":1,"c":1}}]'), "/payload/a/1/b/c", "payload.a.1.b.c is given twice"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "fault"), NO_JSON, ids=[str(raw[:70]) for raw, _ in NO_JSON])
def test_what_is_no_json_is_called_malformed(raw: bytes, fault: str) -> None:
    with pytest.raises(Malformed) as caught:
        read(raw)
    assert (caught.value.status, caught.value.pointer) == (400, "")
    assert fault in caught.value.detail


@pytest.mark.parametrize(("raw", "pointer", "fault"), NO_EVENT, ids=[str(raw[:90]) for raw, _, _ in NO_EVENT])
def test_what_is_no_event_is_told_where_and_why(raw: bytes, pointer: str, fault: str) -> None:
    with pytest.raises(NotAnEvent) as caught:
        read(raw)
    assert (caught.value.status, caught.value.pointer) == (422, pointer)
    assert fault in caught.value.detail


def test_no_depth_is_a_surprise() -> None:
    for depth in (*range(300, 1100, 7), 5_000, 50_000):
        for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
            raw = payload(b'"x":' + opening * depth + b"1" + closing * depth)
            assert isinstance(outcome(raw), Event | Malformed)
            assert isinstance(outcome(raw[:-2] + b',"x":1}}'), Problem)


def test_no_value_is_told_to_anyone() -> None:
    for raw in (
        of(b'["hunter2"]'),
        of(b'"x:0.1"', b',"target":"hunter2\\n"'),
        b'{"type":"x:0.1","payload":"hunter2"}',
        b'{"type":"bug:0.1","payload":{%b,"bug":["hunter2"]}}' % BUG,
        payload(b'"a":"hunter2'),
    ):
        with pytest.raises(Problem) as caught:
            read(raw)
        assert "hunter2" not in caught.value.detail + caught.value.pointer


def outcome(raw: bytes) -> Event | Problem:
    try:
        return read(raw)
    except Problem as problem:
        return problem


def check(raw: bytes) -> None:
    """A problem, or an event whose every header can be sent, and whose body is in what came."""
    found = outcome(raw)
    if not isinstance(found, Event):
        return
    request = launchpad.write(found, ENDPOINT, delivery=1, attempt=1, now=0, instance=INSTANCE)
    for name, value in request.headers:
        assert value == value.strip()
        assert value
        assert not any(letter in name + value for letter in "\r\n\0")
        assert value.isascii()
    assert request.body in raw
    assert isinstance(json.loads(request.body.decode()), dict)


patient = settings(suppress_health_check=[HealthCheck.too_slow])
"""For texts: in a fresh checkout, hypothesis first takes seconds to make its tables of all letters."""

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
TYPES = st.sampled_from(["x:0.1", "bug:0.1", "merge-proposal:0.1::push", "git:push:0.1", "ci:build:0.1", "ping"])
MEMBERS = ["action", "target", "bug", "new", "old", "merge_proposal", "ping", "git_repository", "git_repository_path"]
PAYLOADS = st.dictionaries(
    st.sampled_from([*MEMBERS, "ref_changes", "git_refs", "source_git_path"]),
    VALUES | st.dictionaries(st.sampled_from(["source_git_path", "refs/heads/a"]), VALUES),
)
GIVEN = st.fixed_dictionaries(
    {}, optional={"type": TYPES | VALUES, "payload": PAYLOADS | VALUES, "target": VALUES, "id": VALUES}
)


@patient
@given(GIVEN)
def test_random_json_is_an_event_or_a_problem(value: dict[str, Any]) -> None:
    check(json.dumps(value).encode())


@patient
@given(type=st.text(min_size=1))
def test_no_type_breaks_a_header(type: str) -> None:
    for given_ in (type, f"{type}:0.1", f"x:0.1::{type}"):
        check(json.dumps({"type": given_, "payload": {}}).encode())


SHARDS = [
    b'"',
    b"\\",
    b"\\ud800",
    b"\xff",
    b"\x00",
    b"\n",
    b",",
    b"{",
    b"}",
    b"[",
    b"]",
    b"1",
    b"e9999",
    b"NaN",
    b'"x":',
]


@given(raw=st.sampled_from([path.read_bytes() for path in GOLDEN]), data=st.data())
def test_an_event_with_a_slip_in_it_is_no_surprise(raw: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(raw)))
    cut = data.draw(st.integers(0, 3))
    check(raw[:at] + data.draw(st.sampled_from([b"", *SHARDS])) + raw[at + cut :])


@given(st.binary(max_size=40))
def test_random_bytes_are_no_surprise(raw: bytes) -> None:
    assert isinstance(outcome(raw), Problem)
