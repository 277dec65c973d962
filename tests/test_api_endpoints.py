"""What `/endpoints` and the probes promise. Law: as in api_rig.py."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from api_rig import House, build, house

from sidecar.errors import NoSpace
from sidecar.model import Dead, Delivered, Event, Health, Posting, Response

AT_NOON = "2027-01-15T08:00:00.000Z"


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as served:
        yield served


async def test_endpoints_are_listed_as_configured_and_without_a_secret(sidecar: House) -> None:
    """The URL without user-info and query."""
    answer = await sidecar.get("/endpoints")
    assert answer.status == 200
    assert answer.json["next"] is None
    hook, builds, plain = answer.json["endpoints"]
    assert hook == {
        "name": "hook",
        "dialect": "drone",
        "url": "https://ci.example/hooks",
        "state": "active",
        "overridden": False,
        "since": "2027-01-15T07:59:59.000Z",
        "reason": "",
        "last_failure": None,
        "last_success": None,
        "next_probe": None,
        "oldest": None,
        "counts": {"pending": 0, "delivering": 0, "delivered": 0, "dead": 0},
        "concurrency": 16,
        "events": [],
    }
    assert (builds["name"], builds["concurrency"], builds["events"]) == ("builds", 3, ["build:*"])
    assert plain["dialect"] == "plain"
    assert b"hush" not in answer.body


async def test_each_delivery_is_counted_in_one_state(sidecar: House) -> None:
    await sidecar.accepted(*(build(number, slug=f"octocat/{number}") for number in range(1, 5)))
    await sidecar.settle(await sidecar.claim(), Delivered(), Response(200))
    await sidecar.settle(await sidecar.claim(), Dead("refused"), Response(400))
    sidecar.control.flight[(await sidecar.claim()).delivery] = "hook"
    hook = (await sidecar.get("/endpoints")).json["endpoints"][0]
    assert hook["counts"] == {"pending": 1, "delivering": 1, "delivered": 1, "dead": 1}
    assert hook["oldest"] == AT_NOON


async def test_a_failing_endpoint_tells_why_and_when_it_is_probed(sidecar: House) -> None:
    now = sidecar.clock.now()
    sick = Health("failing", now, "503 five times", 5, now - 1, now - 2000, 4000, now + 4000)
    sidecar.control.known = {**sidecar.control.known, "hook": sick}
    hook = (await sidecar.get("/endpoints")).json["endpoints"][0]
    assert (hook["state"], hook["reason"], hook["since"]) == ("failing", "503 five times", AT_NOON)
    assert (hook["last_failure"], hook["last_success"]) == ("2027-01-15T07:59:59.999Z", "2027-01-15T07:59:58.000Z")
    assert hook["next_probe"] == "2027-01-15T08:00:04.000Z"
    sidecar.clock.advance(4000)
    assert (await sidecar.get("/endpoints")).json["endpoints"][0]["next_probe"] is None


async def test_what_is_owed_to_an_endpoint_no_longer_configured_is_shown_as_orphaned(sidecar: House) -> None:
    """But not one that is owed nothing."""
    now = sidecar.clock.now()
    event = Event("a", "drone", "build:created", "s", b"{}", b"0" * 16, now)
    await sidecar.outbox.add([Posting(event, ("old",))])
    await sidecar.outbox.save_health("old", Health(last_success=now))
    await sidecar.outbox.save_health("older", Health())
    *_, last = (await sidecar.get("/endpoints")).json["endpoints"]
    assert last == {
        "name": "old",
        "dialect": None,
        "url": None,
        "state": "orphaned",
        "overridden": False,
        "since": None,
        "reason": "not configured; what is owed goes on when it is again",
        "last_failure": None,
        "last_success": AT_NOON,
        "next_probe": None,
        "oldest": AT_NOON,
        "counts": {"pending": 1, "delivering": 0, "delivered": 0, "dead": 0},
        "concurrency": None,
        "events": None,
    }
    assert (await sidecar.post("/endpoints/old/resume")).status == 404


async def test_a_ping_is_owed_to_its_endpoint_alone_whatever_the_filters(sidecar: House) -> None:
    answer = await sidecar.post("/endpoints/builds/ping", headers={})
    assert answer.status == 202
    told = answer.json
    assert told["duplicate"] is False
    assert told["deliveries"] == [{"id": 1, "endpoint": "builds"}]
    claim = await sidecar.claim("builds")
    assert (claim.event.id, claim.event.body) == (told["id"], b'{"event":"ping","action":""}')
    again = await sidecar.post("/endpoints/builds/ping")
    assert again.json["id"] != told["id"]


async def test_a_ping_speaks_the_dialect_of_its_endpoint(sidecar: House) -> None:
    await sidecar.post("/endpoints/plain/ping")
    assert (await sidecar.claim("plain")).event.dialect == "plain"


async def test_a_ping_is_refused_like_an_event(sidecar: House) -> None:
    """Where the disk is full, and while draining."""
    sidecar.outbox.trouble = NoSpace("disk full")
    assert (await sidecar.post("/endpoints/hook/ping")).headers["Retry-After"] == "30"
    sidecar.outbox.trouble = None
    sidecar.gate.drain()
    assert (await sidecar.post("/endpoints/hook/ping")).status == 503
    assert sidecar.outbox.entries == {}


async def test_pause_and_resume_are_answered_with_the_endpoint(sidecar: House) -> None:
    paused = await sidecar.post("/endpoints/hook/pause", headers={})
    assert (paused.status, paused.json["name"], paused.json["state"]) == (200, "hook", "paused")
    assert (await sidecar.get("/endpoints")).json["endpoints"][0] == paused.json
    resumed = await sidecar.post("/endpoints/hook/resume", headers={})
    assert (resumed.status, resumed.json["state"]) == (200, "active")


# Probes


async def test_a_sidecar_that_takes_events_is_ready(sidecar: House) -> None:
    alive, ready = await sidecar.get("/healthz"), await sidecar.get("/readyz")
    assert (alive.status, alive.json) == (200, {"status": "alive"})
    assert (ready.status, ready.json) == (200, {"status": "ready"})


async def test_a_sidecar_that_takes_none_says_why_and_is_alive(sidecar: House) -> None:
    sidecar.outbox.trouble = NoSpace("no space left in SIDECAR_DATA_DIR")
    answer = await sidecar.get("/readyz")
    assert answer.status == 503
    assert answer.json == {"status": "unready", "reasons": ["no space left in SIDECAR_DATA_DIR"]}
    sidecar.gate.drain()
    reasons = (await sidecar.get("/readyz")).json["reasons"]
    assert reasons == ["the sidecar is stopping and takes no more events", "no space left in SIDECAR_DATA_DIR"]
    assert (await sidecar.get("/healthz")).status == 200
