"""What is no event of Pagure's is refused, and told why. Law: nothing that comes is a surprise, and nothing goes out
that a strict reader of JSON, or of headers, would not take.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.dialects import pagure
from sidecar.errors import Malformed, NotAnEvent, Problem
from sidecar.model import Endpoint, Event, Instance, Secret

GOLDEN = sorted((Path(__file__).parent / "golden" / "pagure").glob("*.json"))
INSTANCE = Instance(app_url="https://pagure.example/", version="1")
ENDPOINT = Endpoint("e", "pagure", "", (Secret(b"K"),))
DEEP = b"[" * 100_000 + b"]" * 100_000


def read(raw: bytes) -> Event:
    return pagure.read(raw, id="evt-1", now=0, instance=INSTANCE)


def msg(members: bytes) -> bytes:
    return b'{"topic":"x.y","project":"p","msg":{%b}}' % members


def of(topic: bytes = b'"x.y"', project: bytes = b'"p"') -> bytes:
    return b'{"topic":%b,"project":%b,"msg":{}}' % (topic, project)


NO_JSON: list[tuple[bytes, str]] = [
    (b"", "truncated"),
    (b"{", "truncated"),
    (of()[:-1], "truncated"),
    (b'{"tpoic":1,', "truncated"),
    (of() + b"{}", "trailing"),
    (b"\xef\xbb\xbf{}", "malformed"),
    (b"\xff\xfe{\x00}\x00", "no UTF-8"),
    (msg(b'"x":"\xff"'), "byte 41 is no UTF-8"),
    (msg(b'"x":"\xed\xa0\x80"'), "no UTF-8"),
    (msg(b'"x":"\\ud800"'), "half of a surrogate pair"),
    (msg(b'"\\udc00 ":1'), "half of a surrogate pair"),
    (of(project=b'"\\ud800\\u0041"'), "half of a surrogate pair"),
    (msg(b'"x":NaN'), "invalid character"),
    (msg(b'"x":-Infinity'), "invalid character"),
    (msg(b'"x":Infinity'), "invalid character"),
    (msg(b'"x":01'), "invalid number"),
    (msg(b'"x":"a\nb"'), "invalid character"),
    (msg(b'"x":1,'), "trailing comma"),
    (msg(b'"x":' + DEEP), "too deeply"),
    (msg(b'"x":1,"x":' + DEEP), "too deeply"),
    (b'{"x":' + DEEP + b"}", "too deeply"),
]

NO_EVENT: list[tuple[bytes, str, str]] = [
    # the event as a whole
    (b"[]", "", 'an event is a JSON object, of the form {"topic": …'),
    (b"null", "", "an event is a JSON object"),
    (b"{}", "/topic", "topic is missing"),
    (b'{"event":"build"}', "/event", "no member 'event'; there is topic, project, msg, id"),
    (b'{"topics":"x.y"}', "/topics", "did you mean topic?"),
    (b'{"topic":"x.y"}', "/project", "project is missing"),
    (b'{"topic":"x.y","project":"p"}', "/msg", "msg is missing"),
    (b'{"topic":"x.y","project":"p","msg":null}', "/msg", "msg is missing"),
    (b'{"topic":"x.y","project":"p","msg":[]}', "/msg", "msg: expected an object, got an array"),
    (b'{"topic":"x.y","project":"p","msg":"a"}', "/msg", "msg: expected an object, got a string"),
    (b'{"topic":"x.y","project":"p","msg":true}', "/msg", "msg: expected an object, got true or false"),
    (b'{"id":7,"topic":"x.y","project":"p","msg":{}}', "/id", "id: expected str"),
    (b'{"id":"","topic":"x.y","project":"p","msg":{}}', "/id", "1 to 128"),
    (b'{"id":"a\\n","topic":"x.y","project":"p","msg":{}}', "/id", "1 to 128"),
    (b'{"id":"%b","topic":"x.y","project":"p","msg":{}}' % (b"a" * 129), "/id", "1 to 128"),
    # topic
    (of(topic=b"null"), "/topic", "topic is missing; it is one of Pagure's, such as issue.new"),
    (of(topic=b"5"), "/topic", "topic: expected str"),
    (of(topic=b'""'), "/topic", "topic is ''; write words"),
    (of(topic=b'"issue"'), "/topic", "topic is 'issue'"),
    (of(topic=b'"issue new"'), "/topic", "did you mean issue.new?"),
    (of(topic=b'"x..y"'), "/topic", "with dots between"),
    (of(topic=b'".x.y"'), "/topic", "with dots between"),
    (of(topic=b'"x.y."'), "/topic", "with dots between"),
    (of(topic=b'"x.y\\n"'), "/topic", "with dots between"),
    (of(topic=b'"x.y\\r\\nX-Evil: 1"'), "/topic", "with dots between"),
    (of(topic=b'"x.\xc3\xa9"'), "/topic", "with dots between"),
    (of(topic=b'"x.' + b"y" * 600 + b'"'), "/topic", "y…'"),
    # project
    (of(project=b"null"), "/project", "project is missing or empty"),
    (of(project=b'""'), "/project", "project is missing or empty"),
    (of(project=b'["p"]'), "/project", "project: expected str"),
    (of(project=b'"p\\r\\nX-Evil: 1"'), "/project", "control character"),
    (of(project=b'"a\\u0000b"'), "/project", "control character"),
    (of(project=b'"a\x7fb"'), "/project", "control character"),
    (of(project=b'"a\\u0085b"'), "/project", "control character"),
    (of(project=b'" p"'), "/project", "blanks around it"),
    (of(project=b'"p\\n"'), "/project", "blanks around it"),
    (of(project=b'"' + b"p" * 513 + b'"'), "/project", "more than 512 characters"),
    # numbers that cannot be sent as Pagure would
    (msg(b'"x":1e999'), "/msg", "too large for a double"),
    (msg(b'"x":[-1e309]'), "/msg", "too large for a double"),
    (msg(b'"x":' + b"1" * 5000), "", "more digits than can be read"),
    # given twice: what is sent is written anew, and one of the two would be lost
    (b'{"topic":"x.y","topic":"x.y","project":"p","msg":{}}', "/topic", "topic is given twice"),
    (of()[:-1] + b',"msg":{}}', "/msg", "msg is given twice"),
    (of()[:-1] + b',"t\\u006fpic":"x.z"}', "/topic", "topic is given twice"),
    (msg(b'"a":1,"a":1'), "/msg/a", "msg.a is given twice"),
    (msg(b'"a":[{},{"b/c":{"d":1,"d":2}}]'), "/msg/a/1/b~1c/d", "msg.a.1.b/c.d is given twice"),
    (msg(b'"%b":1,"%b":2' % (b"x" * 100, b"x" * 100)), "/msg/" + "x" * 100, "x… is given twice"),
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
    """The readers and the writer give up at depths of their own."""
    for depth in (*range(300, 1100, 7), 5_000, 50_000):
        for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
            raw = msg(b'"x":' + opening * depth + b"1" + closing * depth)
            assert isinstance(outcome(raw), Event | Malformed)
            assert isinstance(outcome(raw[:-2] + b',"x":1}}'), Problem)


def test_no_value_is_told_to_anyone() -> None:
    for raw in (of(topic=b'["hunter2"]'), of(project=b'"hunter2\\n"'), of()[:-3] + b'"hunter2"}', msg(b'"a":"hunter2')):
        with pytest.raises(Problem) as caught:
            read(raw)
        assert "hunter2" not in caught.value.detail + caught.value.pointer


def outcome(raw: bytes) -> Event | Problem:
    try:
        return read(raw)
    except Problem as problem:
        return problem


def check(raw: bytes) -> None:
    """A problem, or an event whose every header and whose body can be sent."""
    found = outcome(raw)
    if not isinstance(found, Event):
        return
    request = pagure.write(found, ENDPOINT, delivery=1, attempt=1, now=0, instance=INSTANCE)
    for name, value in request.headers:
        assert value == value.strip()
        assert value
        assert not any(letter in name + value for letter in "\r\n\0")
        value.encode()
    assert json.loads(request.body.decode("ascii"))["topic"] == found.name


patient = settings(suppress_health_check=[HealthCheck.too_slow])
"""For texts: in a fresh checkout, hypothesis first takes seconds to make its tables of all letters."""

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
TOPICS = st.sampled_from(["x.y", "issue.new", "git.receive", "Test.notification"])
MSGS = st.dictionaries(st.sampled_from(["issue", "project", "agent", "branch", "content", "x"]), VALUES)
GIVEN = st.fixed_dictionaries(
    {}, optional={"topic": TOPICS | VALUES, "project": st.text() | VALUES, "msg": MSGS | VALUES, "id": VALUES}
)


@patient
@given(GIVEN)
def test_random_json_is_an_event_or_a_problem(value: dict[str, Any]) -> None:
    check(json.dumps(value).encode())


@patient
@given(project=st.text(min_size=1))
def test_no_project_breaks_a_header(project: str) -> None:
    check(json.dumps({"topic": "x.y", "project": project, "msg": {}}).encode())


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
