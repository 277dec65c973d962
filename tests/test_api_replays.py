"""What `/replays` promises: a job that is stored, goes on step by step, is listed and cancelled. Law: as in
api_rig.py."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from api_rig import House, build, house
from msgspec import json

from sidecar.model import Dead, Delivered, Health, Response

GONE = Dead("exhausted")


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as served:
        yield served


async def dead(sidecar: House, *ids: str, verdict: Dead | Delivered = GONE) -> list[int]:
    """Events whose delivery to `hook` has ended, a second apart."""
    numbers = []
    for id_ in ids:
        numbers += await sidecar.accepted(build(id=id_, slug=f"octocat/{id_}"))
        await sidecar.settle(await sidecar.claim(), verdict, Response(500))
        sidecar.clock.advance(1000)
    return numbers


async def start(sidecar: House, **wanted: Any) -> dict[str, Any]:
    answer = await sidecar.post("/replays", json.encode(wanted))
    assert answer.status == 202, answer.body
    sidecar.clock.advance(1)
    told: dict[str, Any] = answer.json
    return told


async def pending(sidecar: House) -> list[int]:
    rows = (await sidecar.get("/deliveries", endpoint="hook", state="pending")).json["deliveries"]
    return sorted(row["id"] for row in rows)


async def test_a_replay_owes_again_what_is_dead_and_tells_how_far_it_came(sidecar: House) -> None:
    numbers = await dead(sidecar, "a", "b")
    told = await start(sidecar, endpoint="hook")
    assert (told["state"], told["resent"], told["progress"], told["states"]) == ("running", 0, 0.0, ["dead"])
    assert await sidecar.replayer.round()
    assert await pending(sidecar) == numbers
    done = (await sidecar.get(f"/replays/{told['id']}")).json
    assert (done["state"], done["resent"], done["progress"]) == ("done", 2, 1.0)
    assert done["endpoints"] == [
        {"endpoint": "hook", "endpoint_state": "active", "since": None, "resent": 2, "progress": 1.0, "done": True}
    ]
    assert not await sidecar.replayer.round()


async def test_everything_is_optional_even_the_body(sidecar: House) -> None:
    numbers = await dead(sidecar, "a")
    answer = await sidecar.ask("POST", "/replays")
    assert answer.status == 202
    assert [one["endpoint"] for one in answer.json["endpoints"]] == ["hook", "builds", "plain"]
    assert answer.json["endpoint"] is None
    sidecar.clock.advance(1)
    await sidecar.replayer.round()
    assert await pending(sidecar) == numbers


async def test_since_and_until_bound_the_time_of_acceptance(sidecar: House) -> None:
    numbers = await dead(sidecar, "a", "b", "c")
    await start(sidecar, endpoint="hook", since="2500ms", until="1500ms")
    await sidecar.replayer.round()
    assert await pending(sidecar) == numbers[1:2]


async def test_last_healthy_is_before_the_endpoint_last_began_to_fail(sidecar: House) -> None:
    numbers = await dead(sidecar, "a", "b", "c")
    healthy = sidecar.clock.now() - 2000
    sidecar.control.known = {**sidecar.control.known, "hook": Health(healthy_until=healthy)}
    told = await start(sidecar, endpoint="hook", since="last healthy")
    assert told["since"] == "last healthy"
    await sidecar.replayer.round()
    assert await pending(sidecar) == numbers[1:]


async def test_what_was_delivered_is_sent_again_only_where_asked_for(sidecar: House) -> None:
    numbers = await dead(sidecar, "a", verdict=Delivered())
    await start(sidecar, endpoint="hook")
    await sidecar.replayer.round()
    assert await pending(sidecar) == []
    await start(sidecar, endpoint="hook", states=["delivered", "dead"])
    await sidecar.replayer.round()
    assert await pending(sidecar) == numbers


async def test_replays_are_listed_newest_first_and_cancelled(sidecar: House) -> None:
    ids = [(await start(sidecar))["id"] for _ in range(3)]
    page = (await sidecar.get("/replays", limit="2")).json
    assert ([one["id"] for one in page["replays"]], page["next"]) == (ids[:0:-1], str(ids[1]))
    rest = (await sidecar.get("/replays", after=page["next"])).json
    assert ([one["id"] for one in rest["replays"]], rest["next"]) == (ids[:1], None)
    told = await sidecar.ask("DELETE", f"/replays/{ids[0]}")
    assert (told.status, told.json["state"]) == (200, "cancelled")
    assert told.json["finished"] is not None


async def test_a_cancelled_one_owes_nothing_more(sidecar: House) -> None:
    await dead(sidecar, "a")
    told = await start(sidecar)
    await sidecar.ask("DELETE", f"/replays/{told['id']}")
    assert not await sidecar.replayer.round()
    assert await pending(sidecar) == []


@pytest.mark.parametrize(
    ("wanted", "status", "word"),
    [
        ({"endpoint": "stranger"}, 404, "configured: builds, hook, plain"),
        ({"since": "yesterday"}, 400, "'last healthy'"),
        ({"until": "last healthy"}, 400, "until takes a time"),
        ({"states": ["pending"]}, 400, "sidecar resend ID"),
        ({"states": []}, 400, "states"),
        ({"stats": ["dead"]}, 400, "stats"),
        ([], 400, "all optional"),
    ],
)
async def test_what_is_not_understood_is_refused(sidecar: House, wanted: object, status: int, word: str) -> None:
    answer = await sidecar.post("/replays", json.encode(wanted))
    assert answer.status == status
    assert word in answer.json["detail"]
    assert (await sidecar.get("/replays")).json["replays"] == []


async def test_a_replay_there_is_not_is_a_404(sidecar: House) -> None:
    for path in ("/replays/7", "/replays/x"):
        assert (await sidecar.get(path)).status == 404
        assert (await sidecar.ask("DELETE", path)).status == 404
