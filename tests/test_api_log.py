"""What `/deliveries` and `GET /events/{id}` promise: the log, page by page, and sending again.

Law: as in api_rig.py.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from api_rig import House, build, house
from msgspec import json

from sidecar.dialects import DIALECTS
from sidecar.model import Dead, Delivered, Instance, Posting, Response

AT_NOON = "2027-01-15T08:00:00.000Z"
HOUR = 3_600_000


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as served:
        yield served


async def listed(sidecar: House, **parameters: str) -> list[int]:
    answer = await sidecar.get("/deliveries", endpoint="hook", **parameters)
    assert answer.status == 200, answer.body
    return [row["id"] for row in answer.json["deliveries"]]


async def test_a_fresh_delivery_is_pending_and_due(sidecar: House) -> None:
    [number] = await sidecar.accepted(build(id="a"))
    answer = await sidecar.get(f"/deliveries/{number}")
    assert answer.status == 200
    assert answer.json == {
        "id": number,
        "endpoint": "hook",
        "event": "a",
        "dialect": "drone",
        "name": "build:created",
        "subject": "octocat/hello",
        "state": "pending",
        "attempt_count": 0,
        "created": AT_NOON,
        "next": AT_NOON,
        "finished": None,
        "reason": "",
        "status": None,
        "held_by": None,
        "rule": "due: it starts next",
        "attempts": [],
    }


async def test_a_finished_delivery_tells_how_it_went(sidecar: House) -> None:
    """With its attempts; what the receiver said is text, whatever it was."""
    [number] = await sidecar.accepted(build())
    claim = await sidecar.claim()
    sidecar.clock.advance(HOUR + 5)
    await sidecar.settle(claim, Dead("refused"), Response(422, b"no \xff"))
    told = (await sidecar.get(f"/deliveries/{number}")).json
    assert (told["state"], told["reason"], told["status"], told["attempt_count"]) == ("dead", "refused", 422, 1)
    assert (told["next"], told["finished"]) == (None, "2027-01-15T09:00:00.005Z")
    assert told["attempts"] == [
        {
            "number": 1,
            "started": "2027-01-15T08:59:59.998Z",
            "duration_ms": 6.543,
            "status": 422,
            "reason": "",
            "answer": "no \ufffd",
        }
    ]


async def test_what_is_in_flight_is_delivering(sidecar: House) -> None:
    """In the log, alone, with its event, and as a filter."""
    [number, other] = await sidecar.accepted(build(id="a"), build(2, slug="octocat/other"))
    await sidecar.claim()
    sidecar.control.flight[number] = "hook"
    told = (await sidecar.get(f"/deliveries/{number}")).json
    assert (told["state"], told["next"]) == ("delivering", None)
    event = (await sidecar.get("/events/a")).json
    assert [row["state"] for row in event["deliveries"]] == ["pending", "delivering"]
    assert await listed(sidecar, state="delivering") == [number]
    assert await listed(sidecar, state="pending") == [other]


async def test_an_event_is_shown_with_its_body_and_all_it_owes(sidecar: House) -> None:
    await sidecar.accepted(build(id="a"))
    event = await sidecar.outbox.event("a")
    assert event is not None
    told = (await sidecar.get("/events/a")).json
    rows = told.pop("deliveries")
    assert told == {
        "id": "a",
        "dialect": "drone",
        "name": "build:created",
        "subject": "octocat/hello",
        "accepted": AT_NOON,
        "traceparent": "",
        "size": len(event.body),
        "body": event.body.decode(),
    }
    assert [(row["endpoint"], row["event"]) for row in rows] == [("builds", "a"), ("hook", "a")]


async def test_a_held_delivery_names_its_holder(sidecar: House) -> None:
    first, second = await sidecar.accepted(build(1), build(2))
    lane = sidecar.outbox.items[first].lane
    lane.holder, lane.hold_until = first, sidecar.clock.now() + HOUR
    told = (await sidecar.get(f"/deliveries/{second}")).json
    assert told["held_by"] == first
    assert told["rule"].startswith(f"held back by delivery {first} of the same subject until ")


async def test_every_list_tells_the_rule_of_each(sidecar: House) -> None:
    first, second = await sidecar.accepted(build(1, id="a"), build(2, id="b"))
    await sidecar.claim()
    sidecar.control.flight[first] = "hook"
    rules = {
        second: f"waits for its turn: delivery {first} of the same subject is under way",
        first: "attempt 1 is under way",
    }
    listed = (await sidecar.get("/deliveries", endpoint="hook")).json["deliveries"]
    assert {row["id"]: row["rule"] for row in listed} == rules
    [shown] = [row for row in (await sidecar.get("/events/b")).json["deliveries"] if row["id"] == second]
    assert shown["rule"] == rules[second]
    await sidecar.post("/endpoints/hook/pause")
    assert "`sidecar resume hook`" in (await sidecar.get(f"/deliveries/{second}")).json["rule"]


# Why


async def reasons(sidecar: House, event: str) -> dict[str, tuple[str | None, str]]:
    answer = await sidecar.get(f"/events/{event}/why")
    assert answer.status == 200, answer.body
    return {one["endpoint"]: (one["state"], one["rule"]) for one in answer.json["endpoints"]}


async def test_why_answers_for_every_endpoint_also_where_a_filter_kept_it_away(sidecar: House) -> None:
    body = json.encode({"event": "user", "action": "created", "id": "a", "user": {"login": "octocat"}})
    await sidecar.accepted(body)
    assert await reasons(sidecar, "a") == {
        "hook": ("pending", "due: it starts next"),
        "builds": (None, "kept away: no glob of build:* matches user:created"),
        "plain": (None, "kept away: speaks plain; this is a drone event"),
    }


async def test_why_tells_what_was_configured_later_and_what_is_no_longer(sidecar: House) -> None:
    event = DIALECTS["drone"].read(build(id="a"), id="a", now=sidecar.clock.now(), instance=Instance())
    await sidecar.outbox.add([Posting(event, ("hook", "gone"))])
    told = await reasons(sidecar, "a")
    assert list(told) == ["hook", "builds", "plain", "gone"]
    assert told["builds"][0] is None
    assert told["builds"][1].startswith("not owed: the endpoint, or the filter that lets it through, was configured ")
    assert told["gone"] == ("pending", "kept: endpoint gone is not configured; it goes on when it is again")


async def test_why_knows_that_a_ping_is_for_one_endpoint(sidecar: House) -> None:
    pinged = (await sidecar.post("/endpoints/hook/ping")).json["id"]
    assert (await reasons(sidecar, pinged))["builds"] == (
        None,
        "a ping goes to the endpoint it was asked for, and to no other",
    )


async def test_why_says_of_an_unknown_event_what_that_can_mean(sidecar: House) -> None:
    for path in ("/events/stranger/why", "/events/%00/why"):
        answer = await sidecar.get(path)
        assert answer.status == 404
        assert "never answered 202 here" in answer.json["detail"]
        assert "SIDECAR_RETENTION" in answer.json["detail"]


# Lists


async def test_the_log_is_newest_first_with_a_cursor_while_there_is_more(sidecar: House) -> None:
    numbers = await sidecar.accepted(*(build(number) for number in range(1, 6)))
    pages, after = [], ""
    while True:
        page = (await sidecar.get("/deliveries", endpoint="hook", limit="2", after=after)).json
        pages.append([row["id"] for row in page["deliveries"]])
        if page["next"] is None:
            break
        after = page["next"]
    one, two, three, four, five = numbers
    assert pages == [[five, four], [three, two], [one]]


async def test_a_page_that_is_just_full_is_the_last(sidecar: House) -> None:
    await sidecar.accepted(build())
    page = (await sidecar.get("/deliveries", endpoint="hook", limit="1")).json
    assert (len(page["deliveries"]), page["next"]) == (1, None)


async def test_a_page_has_a_hundred_unless_told(sidecar: House) -> None:
    await sidecar.accepted(*(build(number) for number in range(1, 61)))
    assert len((await sidecar.get("/deliveries")).json["deliveries"]) == 100
    assert len((await sidecar.get("/deliveries", limit="1000")).json["deliveries"]) == 120


async def test_the_log_is_filtered_by_what_a_delivery_is(sidecar: House) -> None:
    first, second = await sidecar.accepted(build(id="a"), build(id="b", slug="octocat/b&b"))
    await sidecar.settle(await sidecar.claim(), Delivered(), Response(204))
    assert await listed(sidecar, state="delivered") == [first]
    assert await listed(sidecar, state="dead") == []
    assert await listed(sidecar, event="b") == [second]
    assert await listed(sidecar, subject="octocat/b&b") == [second]
    assert await listed(sidecar, subject="stranger") == []


async def test_an_empty_parameter_asks_for_nothing(sidecar: House) -> None:
    [number] = await sidecar.accepted(build())
    assert await listed(sidecar, state="", event="", subject="", since="", until="", limit="", after="") == [number]


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"since": "30m"}, [2]),
        ({"since": "2h"}, [2, 1]),
        ({"since": "1h", "until": "1h"}, []),
        ({"until": "30m"}, [1]),
        ({"since": "2027-01-15T08:30:00Z"}, [2]),
        ({"until": "2027-01-15T10:30:00+02:00"}, [1]),
        ({"since": "2027-01-15T08:00:00Z"}, [2, 1]),
    ],
)
async def test_the_log_is_filtered_by_time(sidecar: House, parameters: dict[str, str], found: list[int]) -> None:
    """By times, and by spans back from now."""
    first, second = [], []
    first = await sidecar.accepted(build(1))
    sidecar.clock.advance(HOUR)
    second = await sidecar.accepted(build(2))
    numbers = {1: first[0], 2: second[0]}
    assert await listed(sidecar, **parameters) == [numbers[which] for which in found]


async def test_a_plus_that_nobody_escaped_is_understood(sidecar: House) -> None:
    """curl sends it as it is, and in a query that is a blank."""
    [number] = await sidecar.accepted(build())
    answer = await sidecar.get("/deliveries?endpoint=hook&since=2027-01-15T10:00:00+02:00")
    assert [row["id"] for row in answer.json["deliveries"]] == [number]


# Sending again


async def test_a_resent_delivery_is_owed_again(sidecar: House) -> None:
    [number] = await sidecar.accepted(build())
    await sidecar.settle(await sidecar.claim(), Dead("refused"), Response(422))
    answer = await sidecar.post(f"/deliveries/{number}/resend", headers={})
    assert answer.status == 202
    told = answer.json
    assert (told["id"], told["state"], told["finished"], told["attempt_count"]) == (number, "pending", None, 1)
    assert "attempts" not in told
    assert (await sidecar.claim()).number == 2


async def test_what_is_in_flight_is_not_sent_again(sidecar: House) -> None:
    [number] = await sidecar.accepted(build())
    await sidecar.claim()
    for flight in ({number: "hook"}, {}):
        sidecar.control.flight = flight
        answer = await sidecar.post(f"/deliveries/{number}/resend")
        assert (answer.status, answer.json["title"]) == (409, "Conflict")
        assert f"delivery {number} is being attempted" in answer.json["detail"]


async def test_any_look_may_be_a_head_alone(sidecar: House) -> None:
    answer = await sidecar.ask("HEAD", "/deliveries")
    assert (answer.status, answer.body) == (200, b"")
