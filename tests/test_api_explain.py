"""What would become of an event: told whole, signed truly, and nothing comes of the telling.

Law: every explanation is asked of a served socket; no secret, no header of the operator's own and no query is in any.
"""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from api_rig import JSON, KEY, LIMIT, NDJSON, PROBLEM, House, build, house
from msgspec import json
from structlog.testing import capture_logs

from sidecar import receiver
from sidecar.model import Endpoint, Health, Query

OWN = (("Authorization", "Bearer hush"), ("X-Team", "hush"))
ALL = Endpoint("all", "drone", "https://user:hush@ci.example/hooks?token=hush", KEY, headers=OWN)
REPOS = Endpoint("repos", "drone", "https://ci.example/repos", KEY, events=("repo:*", "user:created"))
RELEASES = Endpoint("releases", "drone", "https://ci.example/releases", KEY, refs=("refs/heads/release-*",))
PLAIN = Endpoint("plain", "plain", "https://plain.example/", events=("leaf",))


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, endpoints=(ALL, REPOS, RELEASES, PLAIN)) as served:
        yield served


class Case(NamedTuple):
    """An event, and by endpoint the rule that keeps it away; the others want it."""

    body: bytes
    away: Mapping[str, str]
    path: str = "/explain"


def on(ref: str) -> bytes:
    return json.encode(
        {"event": "build", "action": "updated", "repo": {"slug": "a/b"}, "build": {"number": 1, "ref": ref}}
    )


GLOBS, REFS = "no glob of repo:*,user:created matches", "no ref pattern of refs/heads/release-* matches"
FOREIGN = {"plain": "speaks plain; this is a drone event"}
CASES = {
    "a build on main": Case(
        on("refs/heads/main"),
        {**FOREIGN, "repos": f"{GLOBS} build:updated", "releases": f"{REFS} refs/heads/main"},
    ),
    "a build on a release": Case(on("refs/heads/release-1"), {**FOREIGN, "repos": f"{GLOBS} build:updated"}),
    "a build without ref": Case(
        build(), {**FOREIGN, "repos": f"{GLOBS} build:created", "releases": f"{REFS} a build without ref"}
    ),
    "a repo": Case(b'{"event":"repo","action":"enabled","repo":{"slug":"a/b"}}', FOREIGN),
    "a user": Case(
        b'{"event":"user","action":"updated","user":{"login":"a"}}', {**FOREIGN, "repos": f"{GLOBS} user:updated"}
    ),
    "Drone's by its name": Case(
        b'{"event":"repo","action":"enabled","repo":{"slug":"a/b"}}', FOREIGN, "/explain/drone"
    ),
    "another dialect's": Case(
        b'{"name":"leaf","subject":"tree"}',
        dict.fromkeys(("all", "repos", "releases"), "speaks drone; this is a plain event"),
        "/explain/plain",
    ),
    "nobody's": Case(
        b'{"name":"root","subject":"tree"}',
        {**dict.fromkeys(("all", "repos", "releases"), "speaks drone; this is a plain event"), "plain": "no such name"},
        "/explain/plain",
    ),
}


async def explained(sidecar: House, body: bytes, path: str = "/explain", **headers: str) -> dict[str, Any]:
    answer = await sidecar.post(path, body, {**JSON, **headers})
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json"), answer.body
    told: dict[str, Any] = answer.json
    return told


@pytest.mark.parametrize("name", CASES)
async def test_every_endpoint_is_told_with_the_rule_that_keeps_the_event_away(sidecar: House, name: str) -> None:
    """And it is so: posted, the event goes to those that want it, and to no other."""
    case = CASES[name]
    told = (await explained(sidecar, case.body, case.path))["endpoints"]
    assert [(one["endpoint"], one["dialect"]) for one in told] == [
        *(("all", "drone"), ("repos", "drone"), ("releases", "drone"), ("plain", "plain"))
    ]
    assert {one["endpoint"]: one["rule"] for one in told if one["rule"]} == case.away
    assert all(one["wanted"] is (one["rule"] == "") is (one["request"] is not None) for one in told)
    posted = await sidecar.post(case.path.replace("explain", "events"), case.body)
    assert [owed["endpoint"] for owed in posted.json["deliveries"]] == [
        one["endpoint"] for one in told if one["wanted"]
    ]


async def test_the_request_is_the_one_that_would_be_sent_truly_signed(sidecar: House) -> None:
    body, trace = on("refs/heads/main"), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    told = await explained(sidecar, body, **{"Idempotency-Key": "evt-1", "traceparent": trace})
    assert told["event"] == {"id": "evt-1", "name": "build:updated", "subject": "a/b", "refs": ["refs/heads/main"]}
    request = told["endpoints"][0]["request"]
    assert (request["method"], request["url"]) == ("POST", "https://ci.example/hooks")
    headers = dict(request["headers"])
    assert (headers["X-Drone-Delivery"], headers["X-Drone-Attempt"], headers["traceparent"]) == ("0", "1", trace)
    now = sidecar.clock.wall()
    verified = receiver.verify(headers, request["body"].encode(), KEY[0].reveal(), now=now, tolerance=1000)
    assert (verified.name, verified.id, verified.schemes) == ("build:updated", "evt-1", ("cavage", "standard"))


async def test_a_secret_set_at_run_time_signs(sidecar: House) -> None:
    """What wins over the environment on the wire wins here."""
    new = "n" * 32
    put = await sidecar.ask("PUT", "/endpoints/all/secret", data=new, headers={"Content-Type": "text/plain"})
    assert put.status == 200
    answer = await sidecar.post("/explain", build())
    request = answer.json["endpoints"][0]["request"]
    assert receiver.verify(dict(request["headers"]), request["body"].encode(), new).name == "build:created"
    assert new.encode() not in answer.body


async def test_no_secret_is_told(sidecar: House) -> None:
    answer = await sidecar.post("/explain", build())
    assert b"hush" not in answer.body
    assert KEY[0].reveal() not in answer.body
    headers = dict(answer.json["endpoints"][0]["request"]["headers"])
    assert {name: headers[name] for name, _ in OWN} == {"Authorization": "***", "X-Team": "***"}


async def test_nothing_is_stored_and_no_id_is_taken(sidecar: House) -> None:
    await sidecar.accepted(build(1, id="before"))
    before = (await sidecar.get("/deliveries")).body
    await explained(sidecar, build(2, id="evt-1"))
    await explained(sidecar, build(3, id="before"))
    assert (await sidecar.get("/deliveries")).body == before
    assert (await sidecar.get("/events/evt-1")).status == 404
    assert len(await sidecar.outbox.deliveries(Query())) == 1
    posted = await sidecar.post("/events", build(4, id="evt-1"))
    assert (posted.status, posted.json["duplicate"]) == (202, False)


async def test_the_state_says_what_would_happen_now(sidecar: House) -> None:
    await sidecar.control.pause("all")
    sidecar.control.known = {**sidecar.control.known, "repos": Health("failing")}
    told = (await explained(sidecar, b'{"event":"repo","action":"enabled","repo":{"slug":"a/b"}}'))["endpoints"]
    assert [(one["state"], one["wanted"]) for one in told[:3]] == [
        ("paused", True),
        ("failing", True),
        ("active", True),
    ]


async def test_who_drains_still_explains(sidecar: House) -> None:
    sidecar.gate.drain()
    assert (await sidecar.post("/events", build())).status == 503
    assert (await explained(sidecar, build()))["event"]["name"] == "build:created"


BAD: Mapping[str, tuple[str, bytes, Mapping[str, str]]] = {
    "not JSON": ("", b"hello", JSON),
    "not an event": ("", b"{}", JSON),
    "an unknown member": ("", build(colour="red"), JSON),
    "an id of blanks": ("", build(id="a b"), JSON),
    "too large": ("", b" " * (LIMIT + 1), JSON),
    "no content type": ("", build(), {}),
    "packed": ("", build(), {**JSON, "Content-Encoding": "gzip"}),
    "a key of blanks": ("", build(), {**JSON, "Idempotency-Key": "a b"}),
    "two names": ("", build(id="b"), {**JSON, "Idempotency-Key": "a"}),
    "an unknown dialect": ("/jenkins", build(), JSON),
    "a dialect's slip": ("/plain", b'{"subject":"s"}', JSON),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_events_refuse_is_refused_in_the_same_words(sidecar: House, name: str) -> None:
    path, body, headers = BAD[name]
    with capture_logs() as logs:
        there = await sidecar.post(f"/events{path}", body, headers)
        here = await sidecar.post(f"/explain{path}", body, headers)
    assert here.status == there.status >= 400
    assert (here.json, here.headers["Content-Type"], logs) == (there.json, PROBLEM, [])


async def test_a_stream_is_not_explained(sidecar: House) -> None:
    answer = await sidecar.post("/explain", build(), NDJSON)
    assert (answer.status, answer.headers["Content-Type"]) == (415, PROBLEM)
    assert "one event is explained at a time" in answer.json["detail"]
