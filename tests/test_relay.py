"""What a Drone server, or another sidecar, posts to be handed on. Law: requests as Drone's own dialect makes them."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from inbound_rig import HOOK, RELAY, Answer, Post, listening
from msgspec import structs

from sidecar.dialects import drone
from sidecar.model import Endpoint, Event, Instance, Secret

BUILD = b'{"action":"updated","repo":{"slug":"octocat/hello", "x": 1.50},"build":{"number":7,"status":"success"}}'
DRONE = Endpoint("sidecar", "drone", "http://x/", (Secret(RELAY.encode()),), signatures=("cavage",))
SECOND = 1000


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Post]:
    async with listening(tmp_path) as made:
        yield made


def event(raw: bytes = BUILD, host: str = "drone.example") -> Event:
    return drone.read(raw, id="of-drone", now=0, instance=Instance("https", host))


async def post(
    it: Post, one: Event, *, by: Endpoint = DRONE, at: int = 0, chain: bool = False, headers: Mapping[str, str] = {}
) -> Answer:
    """As a Drone server posts it, or, in a `chain`, a sidecar."""
    request = drone.write(one, by, delivery=1, attempt=1, now=it.clock.wall() + at, instance=Instance(version="1"))
    own = {"X-Drone-Event", "Content-Type", "Digest", "Date", "Signature"}
    said = {name: value for name, value in request.headers if chain or name in own}
    return await it.ask("POST", "/hooks/drone", data=one.body, headers={**said, **headers})


async def test_what_a_drone_server_posts_goes_the_same_road_byte_for_byte(it: Post) -> None:
    answer = await post(it, event())
    [stored] = await it.events()
    assert answer.status == 202
    assert answer.json == {"id": stored.id, "duplicate": False, "deliveries": [{"id": 1, "endpoint": "hook"}]}
    assert stored.body == event().body
    assert b'"repo":{"slug":"octocat/hello", "x": 1.50}' in stored.body
    assert json.loads(stored.body)["system"]["host"] == "drone.example", "Drone's own, not ours"
    assert (stored.name, stored.subject) == ("build:updated", "octocat/hello")
    logged = await it.logged()
    assert (logged.route, logged.outcome, logged.kind, logged.delivery) == (
        "drone",
        "relayed",
        "build:updated",
        stored.id,
    )


async def test_nothing_of_ours_is_added_where_drone_tells_of_no_system(tmp_path: Path) -> None:
    async with listening(tmp_path, instance=Instance("https", "ours.example")) as it:
        await post(it, event(host=""))
        [stored] = await it.events()
        assert "system" not in json.loads(stored.body) or "ours" not in str(stored.body)


async def test_the_same_request_replayed_is_answered_alike_and_relays_nothing(it: Post) -> None:
    first = await post(it, event())
    again = await post(it, event())
    assert again.json == {**first.json, "duplicate": True}
    later = await post(it, event(), at=SECOND)
    assert later.json["id"] != first.json["id"], "Drone may tell of the same again; it signs it anew"
    assert len(await it.events()) == 2


async def test_a_webhook_id_names_the_event_so_that_chains_deduplicate(it: Post) -> None:
    first = await post(it, event(), chain=True)
    assert first.json["id"] == "of-drone"
    retry = await post(it, event(), chain=True, at=5 * SECOND)
    assert retry.json == {**first.json, "duplicate": True}
    assert len(await it.events()) == 1
    other = await post(it, event(BUILD.replace(b"7", b"8")), chain=True)
    assert other.status == 409


async def test_an_event_that_comes_back_with_the_system_it_got_here_ends_here(tmp_path: Path) -> None:
    async with listening(tmp_path, instance=Instance("https", "ours.example")) as it:
        ours = drone.read(BUILD, id="round", now=it.clock.now(), instance=it.parts.instance)
        await it.outbox.add([it.parts.posting(ours)])
        back = drone.read(ours.body, id="round", now=0, instance=Instance("https", "other.example"))
        answer = await post(it, back, chain=True)
        assert (answer.status, answer.json["duplicate"], answer.json["deliveries"]) == (202, True, [])
        assert len(await it.events()) == 1


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"by": structs.replace(DRONE, secrets=(Secret(b"another"),))}, "by another secret"),
        ({"by": structs.replace(DRONE, signatures=("standard",))}, "Signature is missing"),
        ({"headers": {"Date": "Fri, 02 Jan 2026 03:04:05 GMT"}}, "a header it covers was changed"),
        ({"at": -301 * SECOND}, "Date is 301 s old"),
        ({"at": 301 * SECOND}, "Date is 301 s ahead"),
    ],
)
async def test_what_is_not_signed_rightly_and_now_is_refused(it: Post, how: dict[str, Any], told: str) -> None:
    answer = await post(it, event(), **how)
    assert answer.status == 403
    assert told in answer.json["detail"]
    assert told in (await it.logged()).reason
    assert await it.events() == []
    assert RELAY not in answer.body.decode()


async def test_a_body_that_was_changed_on_its_way_is_refused(it: Post) -> None:
    request = drone.write(event(), DRONE, delivery=1, attempt=1, now=it.clock.wall(), instance=Instance())
    answer = await it.ask("POST", "/hooks/drone", data=BUILD, headers=dict(request.headers))
    assert (answer.status, "Digest is not the body's" in answer.json["detail"]) == (403, True)
    assert await it.events() == []


async def test_any_of_several_secrets_may_have_signed(tmp_path: Path) -> None:
    async with listening(tmp_path, relay_secrets=(Secret(b"newest"), Secret(RELAY.encode()))) as it:
        assert (await post(it, event())).status == 202


async def test_without_a_secret_nothing_is_relayed_and_the_answer_says_what_to_set(tmp_path: Path) -> None:
    async with listening(tmp_path, relay_secrets=()) as it:
        answer = await post(it, event(), by=structs.replace(DRONE, secrets=(Secret(b""),)))
        assert (answer.status, "SIDECAR_RELAY_SECRET" in answer.json["detail"]) == (403, True)


async def test_a_ping_of_a_sidecar_is_taken_and_handed_on_to_nobody(it: Post) -> None:
    answer = await post(it, drone.ping(id="ping-1", now=0, instance=Instance()), chain=True)
    assert answer.status == 200
    assert "ping" in answer.json["reason"]
    assert await it.events() == []
    assert (await it.logged()).outcome == "nothing"


@pytest.mark.parametrize(
    ("raw", "headers", "status"),
    [
        (b"{}", {}, 422),
        (b"not json", {}, 400),
        (b'{"event":"build","action":"completed"}', {}, 422),
        (BUILD, {"webhook-id": "no id"}, 422),
        (BUILD.replace(b"{", b'{"id":"mine",', 1), {"webhook-id": "other"}, 422),
        (BUILD, {"Content-Type": "text/plain"}, 415),
        (BUILD + b" " * 5000, {}, 413),
    ],
)
async def test_what_is_signed_and_no_event_is_a_problem(
    it: Post, raw: bytes, headers: dict[str, str], status: int
) -> None:
    answer = await post(it, structs.replace(event(), body=raw), headers=headers)
    assert answer.status == status
    assert answer.json["detail"]


async def test_who_is_only_interested_in_other_events_gets_none_and_it_is_still_taken(tmp_path: Path) -> None:
    async with listening(tmp_path, audience=lambda: (structs.replace(HOOK, events=("repo:*",)),)) as it:
        answer = await post(it, event())
        assert (answer.status, answer.json["deliveries"]) == (202, [])


async def test_draining_it_says_when_to_come_again(it: Post) -> None:
    it.gate.drain()
    answer = await post(it, event())
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
