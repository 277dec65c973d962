"""Drone's dialect. Law: what is sent is compared with golden requests that openssl has signed; what is refused stands
in test_drone_refusals.py.
"""

from pathlib import Path
from typing import Any

import pytest

from sidecar.dialects import DIALECTS, drone
from sidecar.model import Endpoint, Event, Instance, Request, Secret
from sidecar.ports import Dialect

HERE = Path(__file__).parent
GOLDEN = HERE / "golden" / "drone"
INSTANCE = Instance(proto="https", host="drone.example", version="1")
NOW = 1_767_323_045_000
KEY = Secret(b"0123456789abcdef0123456789abcdef")
ENDPOINT = Endpoint("hooks", "drone", "https://hooks.example/", (KEY,), signatures=("cavage", "standard", "hub"))
TRACED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PAIRS = sorted(path.stem for path in GOLDEN.glob("*.json"))

USER, REPO, BUILD = ((HERE / "fixtures" / f"{name}.json").read_bytes() for name in ("user", "repo", "build"))
SLUG, NUMBER, LOGIN = b'"repo":{"slug":"a/b"}', b'"build":{"number":1}', b'"user":{"login":"a"}'


def read(raw: bytes, **rest: Any) -> Event:
    return drone.read(raw, **{"id": "evt-1", "now": NOW, "instance": INSTANCE, **rest})


def write(event: Event, endpoint: Endpoint = ENDPOINT, **rest: Any) -> Request:
    return drone.write(event, endpoint, **{"delivery": 17, "attempt": 1, "now": NOW, "instance": INSTANCE, **rest})


def shown(request: Request) -> str:
    headers = "".join(f"{name}: {value}\n" for name, value in request.headers)
    return f"{headers}\n{request.body.decode()}\n"


def golden(name: str) -> str:
    return (GOLDEN / f"{name}.http").read_text("utf-8")


def event(name: str) -> Event:
    """The event of a golden file."""
    traced = TRACED if name == "build-created" else ""
    return read((GOLDEN / f"{name}.json").read_bytes().rstrip(b"\n"), id=f"evt-{name}", traceparent=traced)


def test_the_dialect_is_a_row_of_the_table() -> None:
    speaks: Dialect = drone
    assert DIALECTS["drone"] is speaks


def test_there_is_a_golden_request_for_every_action() -> None:
    assert set(PAIRS) == {
        *("build-created", "build-updated", "repo-deleted", "repo-disabled", "repo-enabled", "repo-updated"),
        *("user-created", "user-deleted", "user-updated"),
    }


@pytest.mark.parametrize("name", PAIRS)
def test_the_request_is_drones_byte_for_byte(name: str) -> None:
    assert shown(write(event(name))) == golden(name)


def test_a_ping_is_signed_alike() -> None:
    ping = drone.ping(id="evt-ping", now=NOW, instance=INSTANCE)
    assert shown(write(ping)) == golden("ping")
    assert (ping.name, ping.subject, ping.dialect) == ("ping", "ping:evt-ping", "drone")


def test_a_retry_is_signed_anew_and_body_and_digest_never_change() -> None:
    first = write(event("build-updated"))
    again = write(event("build-updated"), attempt=2, now=NOW + 5_000)
    assert shown(again) == golden("build-updated.retry")
    before, after = dict(first.headers), dict(again.headers)
    assert first.body == again.body
    assert {name for name in before if before[name] != after[name]} == {
        "Date",
        "Signature",
        "webhook-timestamp",
        "webhook-signature",
        "X-Drone-Attempt",
    }


@pytest.mark.parametrize(
    ("signatures", "headers"),
    [
        (("cavage",), {"Signature"}),
        (("standard",), {"webhook-timestamp", "webhook-signature"}),
        (("hub",), {"X-Hub-Signature-256"}),
        (("standard", "cavage"), {"Signature", "webhook-timestamp", "webhook-signature"}),
    ],
)
def test_a_scheme_is_sent_where_it_is_on_and_the_rest_always(signatures: tuple[str, ...], headers: set[str]) -> None:
    sent = dict(write(event("user-created"), Endpoint("e", "drone", "", (KEY,), signatures=signatures)).headers)
    always = {"X-Drone-Event", "Content-Type", "Digest", "Date", "User-Agent", "webhook-id", "X-Drone-Delivery"}
    assert set(sent) == always | {"X-Drone-Attempt"} | headers


def test_two_secrets_sign_as_rotation_needs_it() -> None:
    """`standard` carries both, newest first; what carries one carries the newest."""
    old = Secret(b"fedcba9876543210fedcba9876543210")
    made = event("user-created")
    new_only, old_only = (dict(write(made, Endpoint("e", "drone", "", (one,))).headers) for one in (KEY, old))
    both = dict(write(made, Endpoint("e", "drone", "", (KEY, old))).headers)
    assert both["Signature"] == new_only["Signature"]
    assert both["webhook-signature"] == f"{new_only['webhook-signature']} {old_only['webhook-signature']}"


def test_an_endpoints_own_headers_come_last() -> None:
    own = (("X-Team", "ci"), ("X-Tier", "2"))
    request = write(event("user-created"), Endpoint("e", "drone", "", (KEY,), headers=own))
    assert request.headers[-2:] == own


@pytest.mark.parametrize("resource", [USER, REPO, BUILD], ids=["user", "repo", "build"])
def test_resources_are_forwarded_as_they_came_with_every_space(resource: bytes) -> None:
    name = b"user" if resource is USER else b"repo" if resource is REPO else b"build"
    resources = {
        b"user": b'{"login":"a"}',
        b"repo": b'{"slug":"a/b"}',
        b"build": b'{"number":1}',
        name: resource.strip(),
    }
    body = b",".join(b'"%b":%b' % pair for pair in resources.items())
    made = read(b'{\n  "action": "created", %b\n}' % body.replace(b"}\n,", b"},"))
    assert made.body == b'{"event":"build","action":"created",%b,"system":%b}' % (
        body,
        b'{"proto":"https","host":"drone.example","link":"https://drone.example"}',
    )


@pytest.mark.parametrize(
    ("raw", "name", "subject", "refs"),
    [
        (b'{"action":"created",%b}' % LOGIN, "user:created", "a", ()),
        (b'{"action":"disabled",%b}' % SLUG, "repo:disabled", "a/b", ()),
        (b'{"action":"enabled",%b,%b}' % (LOGIN, SLUG), "repo:enabled", "a/b", ()),
        (b'{"action":"created",%b,%b}' % (SLUG, NUMBER), "build:created", "a/b", ()),
        (b'{"action":"updated",%b,%b,%b}' % (NUMBER, SLUG, LOGIN), "build:updated", "a/b", ()),
        (b'{"action":"updated",%b,"build":{"number":7,"ref":"refs/x"}}' % SLUG, "build:updated", "a/b", ("refs/x",)),
        (b'{"event":null,"action":"deleted","user":null,%b,"system":null}' % SLUG, "repo:deleted", "a/b", ()),
        (b'{"event":"","action":"deleted",%b,"id":null}' % SLUG, "repo:deleted", "a/b", ()),
    ],
)  # fmt: skip
def test_the_resources_tell_the_event(raw: bytes, name: str, subject: str, refs: tuple[str, ...]) -> None:
    made = read(raw)
    assert (made.name, made.subject, made.refs) == (name, subject, refs)
    assert (made.id, made.dialect, made.accepted_at, made.traceparent) == ("evt-1", "drone", NOW, "")


def test_known_fields_may_be_null_and_unknown_ones_anything() -> None:
    resources = b'"repo":{"slug":"a/b","id":null,"x":[{"y":1e999}]},"build":{"number":1,"stages":null,"z":-0}'
    made = read(b'{"action":"created",%b}' % resources, instance=Instance())
    assert made.body == b'{"event":"build","action":"created",%b}' % resources


def test_an_events_own_name_wins_and_is_not_forwarded() -> None:
    made = read(b'{"id":"A-1_b.2","action":"enabled",%b}' % SLUG, instance=Instance())
    assert made.id == "A-1_b.2"
    assert made.body == b'{"event":"repo","action":"enabled",%b}' % SLUG


@pytest.mark.parametrize(
    ("instance", "system"),
    [
        (Instance(), b""),
        (Instance(proto="http"), b',"system":{"proto":"http"}'),
        (Instance(host="drone.example:8080"), b',"system":{"host":"drone.example:8080"}'),
        (Instance(proto="http", host="d"), b',"system":{"proto":"http","host":"d","link":"http://d"}'),
    ],
)
def test_the_system_block_is_what_is_configured(instance: Instance, system: bytes) -> None:
    made = read(b'{"action":"enabled",%b}' % SLUG, instance=instance)
    assert made.body == b'{"event":"repo","action":"enabled",%b%b}' % (SLUG, system)


def test_a_system_block_of_the_events_own_is_forwarded_instead() -> None:
    made = read(b'{"system":{ "version":"2.25.0" },"action":"enabled",%b}' % SLUG)
    assert made.body.endswith(b',"system":{ "version":"2.25.0" }}')


def test_the_same_event_is_known_again_and_another_is_told_apart() -> None:
    """Who asks again may space or order it differently outside the resources, and our own block says nothing of it."""
    raw = b'{"event":"repo","action":"enabled",%b}' % SLUG
    first = read(raw).fingerprint
    for again in (raw.replace(b",", b" ,\n"), b'{"id":"x",' + raw[1:], b'{"action":"enabled",%b}' % SLUG):
        assert read(again, now=NOW + 1, instance=Instance(), traceparent=TRACED).fingerprint == first
    for other in (raw.replace(b"enabled", b"updated"), raw.replace(b"a/b", b"a/c"), raw[:-1] + b',"system":{}}'):
        assert read(other).fingerprint != first


@pytest.mark.parametrize(
    ("events", "refs", "name", "rule"),
    [
        ((), (), "build-updated", ""),
        (("build:*", "repo:*"), (), "build-updated", ""),
        (("build:*", "repo:*"), (), "user-created", "no glob of build:*,repo:* matches user:created"),
        (("build",), (), "build-created", "no glob of build matches build:created"),
        ((), ("refs/heads/*",), "build-created", ""),
        ((), ("refs/tags/*",), "build-created", "no ref pattern of refs/tags/* matches refs/heads/main"),
        ((), ("refs/tags/*",), "repo-enabled", ""),
    ],
)
def test_filters_say_which_rule_decides(events: tuple[str, ...], refs: tuple[str, ...], name: str, rule: str) -> None:
    assert drone.wants(event(name), Endpoint("e", "drone", "", events=events, refs=refs)) == rule


def test_a_build_without_ref_passes_no_ref_filter() -> None:
    made = read(b'{"action":"created",%b,%b}' % (SLUG, NUMBER))
    assert "a build without ref" in drone.wants(made, Endpoint("e", "drone", "", refs=("*",)))


def test_a_ping_passes_every_filter_of_its_dialect() -> None:
    ping = drone.ping(id="evt-ping", now=NOW, instance=INSTANCE)
    assert drone.wants(ping, Endpoint("e", "drone", "", events=("user:*",), refs=("refs/tags/*",))) == ""
    assert "dialect is pagure" in drone.wants(ping, Endpoint("e", "pagure", ""))
