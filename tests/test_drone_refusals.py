"""What is no event of Drone's is refused, and told why. Law: nothing that comes is a surprise, and nothing is forwarded
that a strict reader of JSON would not take.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.dialects import drone
from sidecar.errors import Malformed, NotAnEvent, Problem
from sidecar.model import Event, Instance

GOLDEN = sorted((Path(__file__).parent / "golden" / "drone").glob("*.json"))
SLUG, NUMBER, LOGIN = b'"repo":{"slug":"a/b"}', b'"build":{"number":1}', b'"user":{"login":"a"}'


def read(raw: bytes) -> Event:
    return drone.read(raw, id="evt-1", now=0, instance=Instance())


def repo(member: bytes) -> bytes:
    return b'{"action":"enabled","repo":{"slug":"a/b",%b}}' % member


def build(members: bytes) -> bytes:
    return b'{"action":"created",%b,"build":{%b}}' % (SLUG, members)


NO_JSON: list[tuple[bytes, str]] = [
    (b"", "truncated"),
    (b"{", "truncated"),
    (b'{"action":"enabled",%b' % SLUG, "truncated"),
    (b'{"reop":{},', "truncated"),
    (b'{"action":"enabled",%b} {}' % SLUG, "trailing"),
    (b"{'action':'enabled'}", "malformed"),
    (b'{"action":"enabled",%b,}' % SLUG, "trailing comma"),
    (b"\xef\xbb\xbf{}", "malformed"),
    (repo(b'"x":"\xff"'), "byte 46 is no UTF-8"),
    (repo(b'"x":"\xc0\x80"'), "no UTF-8"),
    (repo(b'"x":"\xed\xa0\x80"'), "no UTF-8"),
    (repo(b'"\xff":1'), "no UTF-8"),
    (repo(b'"x":"\\ud800"'), "half of a surrogate pair"),
    (repo(b'"x":"\\udc00 "'), "half of a surrogate pair"),
    (repo(b'"x":"\\ud800\\u0041"'), "half of a surrogate pair"),
    (repo(b'"name":"\\ud800"'), "half of a surrogate pair"),
    (repo(b'"x":"\\q"'), "escape"),
    (repo(b'"x":"\\u12G4"'), "unicode escape"),
    (repo(b'"x":"\x00"'), "invalid character"),
    (repo(b'"x":"a\nb"'), "invalid character"),
    (repo(b'"x":NaN'), "invalid character"),
    (repo(b'"x":-Infinity'), "invalid character"),
    (repo(b'"x":01'), "invalid number"),
    (repo(b'"x":1.'), "invalid number"),
    (repo(b'"x":' + b"[" * 100_000 + b"]" * 100_000), "too deeply"),
    (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too deeply"),
    (b'{"x":1,"y":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too deeply"),
]

NO_EVENT: list[tuple[bytes, str, str]] = [
    # the event as a whole
    (b"[]", "", "an event is a JSON object"),
    (b"null", "", "an event is a JSON object"),
    (b'"build"', "", "an event is a JSON object"),
    (b"{}", "/event", "event is missing"),
    (b'{"action":"created"}', "/event", "no user, repo or build to tell it by"),
    # members
    (b'{"reop":{}}', "/reop", "'reop'; did you mean repo?"),
    (b'{"Repo":{}}', "/Repo", "did you mean repo?"),
    (b'{"a/b~c":1}', "/a~1b~0c", "there is event, action, user, repo, build, system, id"),
    (b'{"%b":1}' % (b"x" * 1000), "/" + "x" * 1000, "x…'"),
    (b'{"event":5}', "/event", "event: expected str"),
    (b'{"event":{},"action":"enabled",%b}' % SLUG, "/event", "event: expected str"),
    (b'{"id":7,"action":"enabled",%b}' % SLUG, "/id", "id: expected str"),
    (b'{"id":"","action":"enabled",%b}' % SLUG, "/id", "1 to 128"),
    (b'{"id":"a b","action":"enabled",%b}' % SLUG, "/id", "1 to 128"),
    (b'{"id":"a\\n","action":"enabled",%b}' % SLUG, "/id", "1 to 128"),
    (b'{"id":"%b","action":"enabled",%b}' % (b"a" * 129, SLUG), "/id", "1 to 128"),
    # event and action
    (b'{"event":"biuld","action":"created"}', "/event", "'biuld'; did you mean build?"),
    (b'{"event":"ping","action":""}', "/event", "'ping'; there is user, repo, build"),
    (b"{%b}" % SLUG, "/action", "action is missing; there is enabled, disabled, updated, deleted"),
    (b'{"action":null,%b}' % SLUG, "/action", "action is missing"),
    (b'{"action":"create",%b,%b}' % (SLUG, NUMBER), "/action", "'create'; did you mean created?"),
    (b'{"action":"completed",%b,%b}' % (SLUG, NUMBER), "/action", "'completed'; there is created, updated"),
    (b'{"action":"enabled",%b}' % LOGIN, "/action", "of a user event"),
    # what an event has, and has not
    (b'{"event":"user","action":"created"}', "/user/login", "user.login is missing"),
    (b'{"event":"repo","action":"enabled",%b}' % LOGIN, "/repo/slug", "repo.slug is missing"),
    (b'{"event":"build","action":"created",%b}' % SLUG, "/build/number", "build.number is missing"),
    (b'{"action":"created",%b}' % NUMBER, "/repo/slug", "repo.slug is missing"),
    (b'{"event":"user","action":"created",%b,%b}' % (LOGIN, SLUG), "/repo", "no repo: leave it out, or say event repo"),
    (b'{"event":"repo","action":"enabled",%b,%b}' % (SLUG, NUMBER), "/build", "or say event build"),
    (b'{"action":"created","user":{}}', "/user/login", "missing or empty"),
    (b'{"action":"created","user":{"login":""}}', "/user/login", "missing or empty"),
    (b'{"action":"enabled","repo":{"slug":null}}', "/repo/slug", "missing or empty"),
    (build(b'"number":null'), "/build/number", "missing or empty"),
    (build(b'"number":-1'), "/build/number", "build.number: expected int >= 0"),
    (build(b'"number":1.0'), "/build/number", "build.number: expected int | null, got float"),
    (b'{"action":"created","user":{"login":"a\\u0000"}}', "/user/login", "control character"),
    (b'{"action":"enabled","repo":{"slug":"a/b\\n"}}', "/repo/slug", "control character"),
    (b'{"action":"enabled","repo":{"slug":"a/b\x7f"}}', "/repo/slug", "control character"),
    # known fields of a wrong type
    (b'{"action":"enabled","repo":5}', "/repo", "repo: expected object, got int"),
    (b'{"action":"enabled","repo":[{"slug":"a/b"}]}', "/repo", "expected object, got array"),
    (repo(b'"private":"yes"'), "/repo/private", "expected bool | null, got str"),
    (repo(b'"id":9223372036854775808'), "/repo/id", "expected int <= 9223372036854775807"),
    (repo(b'"permissions":1'), "/repo/permissions", "expected object"),
    (repo(b'"build":{"number":"1"}'), "/repo/build/number", "repo.build.number: expected int"),
    (build(b'"number":"1"'), "/build/number", "expected int | null, got str"),
    (build(b'"number":1,"params":{"a":1}'), "/build/params", "build.params: expected str"),
    (build(b'"number":1,"stages":{}'), "/build/stages", "expected array"),
    (build(b'"number":1,"stages":[{},{"os":1}]'), "/build/stages/1/os", "build.stages.1.os: expected str"),
    (build(b'"number":1,"stages":[{"steps":[{},{"version":""}]}]'), "/build/stages/0/steps/1/version", "expected int"),
    (build(b'"number":1,"stages":[{"depends_on":[1]}]'), "/build/stages/0/depends_on/0", "expected str"),
    (b'{"action":"enabled",%b,"user":{"admin":1}}' % SLUG, "/user/admin", "user.admin: expected bool"),
    (b'{"action":"enabled",%b,"system":"drone"}' % SLUG, "/system", "system: expected object"),
    (b'{"action":"enabled",%b,"system":{"host":1}}' % SLUG, "/system/host", "system.host: expected str"),
    # given twice
    (b'{"action":"enabled","action":"enabled",%b}' % SLUG, "/action", "action is given twice"),
    (b'{"action":"enabled",%b,%b}' % (SLUG, SLUG), "/repo", "repo is given twice"),
    (b'{"action":"enabled",%b,"r\\u0065po":{"slug":"c"}}' % SLUG, "/repo", "repo is given twice"),
    (b'{ "id":"a", "action":"enabled",%b,"id":"a"}' % SLUG, "/id", "id is given twice"),
    (repo(b'"slug":"a/c"'), "/repo/slug", "repo.slug is given twice"),
    (repo(b'"\\u0073lug":"a/c"'), "/repo/slug", "repo.slug is given twice"),
    (repo(b'"x":"\\u006a","sl\\u0075g":"a/c"'), "/repo/slug", "repo.slug is given twice"),
    (b'{"action":"created","user":{"login":"a","login":"b"}}', "/user/login", "user.login is given twice"),
    (build(b'"number":1,"number":2'), "/build/number", "build.number is given twice"),
    (build(b'"number":1,"stages":[{"number":1,"steps":[{"number":1}]}],"number":2'), "/build/number", "given twice"),
    (build(b'"number":1,"n\\u0075mber":2'), "/build/number", "given twice"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "fault"), NO_JSON, ids=[str(raw[:60]) for raw, _ in NO_JSON])
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


@pytest.mark.parametrize("raw", [
    repo(b'"name":"slug","x":{"slug":1,"slug":2}'),
    repo(b'"build":{"number":1,"number":2}'),
    repo(b'"x":1,"x":2'),
    build(b'"number":1,"message":"\\"number\\"","stages":[{"number":1,"steps":[{"number":null}]}],"x":{"number":2}'),
    build(b'"number":1,"author_login":"\\u006e\\u0041\\u0026"'),
    b' {"action":"enabled","repo"\n:\t{ "slug" : "a/b" } , "user" : {"login":"a"} } ',
])  # fmt: skip
def test_what_only_looks_like_a_name_given_twice_is_taken(raw: bytes) -> None:
    assert read(raw).subject == "a/b"


def test_no_value_is_told_to_anyone() -> None:
    for raw in (b'{"event":["hunter2"]}', repo(b'"private":"hunter2"'), b'{"action":"enabled","repo":"hunter2"}'):
        with pytest.raises(NotAnEvent) as caught:
            read(raw)
        assert "hunter2" not in caught.value.detail + caught.value.pointer


def strict(raw: bytes) -> Any:
    """The value, as a strict reader takes it; ValueError where it does not."""

    def refuse(word: str) -> None:
        raise ValueError(word)

    value = json.loads(raw.decode(), parse_constant=refuse)
    json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair fails here
    return value


def outcome(raw: bytes) -> Event | Problem:
    try:
        return read(raw)
    except Problem as problem:
        return problem


def check(raw: bytes) -> None:
    """Malformed if and only if a strict reader says so too; what is taken is forwarded whole and readable."""
    found = outcome(raw)
    try:
        value = strict(raw)
    except ValueError:
        assert isinstance(found, Malformed)
        return
    assert isinstance(found, NotAnEvent | Event)
    if isinstance(found, Event):
        sent = strict(found.body)
        for name in ("user", "repo", "build", "system"):
            assert sent.get(name) == value.get(name)
        assert set(sent) <= {"event", "action", "user", "repo", "build", "system"}
        assert f"{sent['event']}:{sent['action']}" == found.name


SHARDS = [
    *(b'"', b"\\", b"\\u", b"d800", b"dc00", b"0041", b"\\ud83d\\ude00", b"\xff", b"\xe2\x98\x83", b"\xc0\xaf"),
    *(b"\x00", b"\x1f", b"\n", b" ", b",", b":", b"{", b"}", b"[", b"]", b"0", b"1", b"-", b".", b"e", b"E+", b"true"),
    *(b"null", b"NaN", b"Infinity", b'"slug"', b'"x":', b'{"y":1}', b"[1,2]", b"12345678", b"abcdefgh" * 4, b"\x7f"),
    *(b"/", b"\\/", b"\\n", b"\\x"),
]  # fmt: skip


@given(st.lists(st.sampled_from(SHARDS), max_size=8).map(b"".join))
@example(b'"' + b"a" * 31 + b'\x01"')
@example(b'"' + b"a" * 64 + b'\xff"')
def test_whatever_is_in_an_unknown_field_is_json_or_refused(value: bytes) -> None:
    check(repo(b'"x":' + value))


@given(st.lists(st.sampled_from(SHARDS), max_size=8).map(b"".join))
def test_whatever_is_in_a_text_is_json_or_refused(value: bytes) -> None:
    for name in (b"name", b"x", b"slug"):
        check(repo(b'"%b":"%b"' % (name, value)))


@given(raw=st.sampled_from([path.read_bytes() for path in GOLDEN]), data=st.data())
def test_an_event_with_a_slip_in_it_is_no_surprise(raw: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(raw)))
    cut = data.draw(st.integers(0, 3))
    check(raw[:at] + data.draw(st.sampled_from([b"", *SHARDS])) + raw[at + cut :])


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
RESOURCES = st.dictionaries(
    st.sampled_from(["slug", "login", "number", "ref", "id", "stages", "x"]), VALUES, max_size=4
)


@given(
    st.dictionaries(
        st.sampled_from(["event", "action", "user", "repo", "build", "system", "id", "x"]), VALUES | RESOURCES
    )
)
def test_random_json_is_an_event_or_a_problem(value: dict[str, Any]) -> None:
    check(json.dumps(value).encode())


@given(extra=RESOURCES, spaced=st.booleans(), ascii_=st.booleans())
def test_what_is_taken_is_forwarded_verbatim(extra: dict[str, Any], spaced: bool, ascii_: bool) -> None:
    resource = json.dumps({**extra, "slug": "a/b"}, ensure_ascii=ascii_, indent=2 if spaced else None).encode()
    found = outcome(b'{"repo":%b,"action":"deleted"}' % resource)
    if isinstance(found, Event):
        assert found.body == b'{"event":"repo","action":"deleted","repo":%b}' % resource
    else:
        assert isinstance(found, NotAnEvent)
        assert found.pointer.startswith("/repo/")


@given(st.binary(max_size=40))
def test_random_bytes_are_no_surprise(raw: bytes) -> None:
    assert isinstance(outcome(raw), Problem)
