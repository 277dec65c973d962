"""What every outbox engine promises, first part: taking events, giving them out, settling them, and waking who waits.

Law: one suite defines what an engine is: this file with test_outbox_health, _order, _again, _log and _walk. Each test's
name is a promise of `sidecar.ports.Outbox`; a new engine is done when its row in engines.ENGINES passes them all.
"""

import asyncio

from engines import HOOK, HOUR, NOON, SECOND, Bench, every_engine

from sidecar.model import (
    FAR,
    Accepted,
    AttemptLog,
    Conflict,
    Dead,
    Delivered,
    Event,
    Owed,
    Posting,
    Response,
    RetryAt,
    Unreachable,
)

bench = every_engine

# Taking events


async def test_an_event_comes_out_as_it_went_in(bench: Bench) -> None:
    """Every field and every byte."""
    event = Event(
        "build-17.created_A",
        "drone",
        "build:created",
        "octocat/ünïcode",
        bytes(range(256)) * 40,
        bytes(range(16)),
        NOON - 3,
        ("refs/heads/main", "refs/tags/v1", "refs/heads/no\u00a0break"),
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )
    await bench.outbox.add([Posting(event, (HOOK,))])
    assert await bench.outbox.event(event.id) == event
    assert (await bench.one()).event == event
    await bench.crash()
    assert await bench.outbox.event(event.id) == event
    assert await bench.outbox.event("no-such-event") is None


async def test_answers_come_in_order_with_rising_delivery_numbers(bench: Bench) -> None:
    """One answer for each posting, its deliveries in the order of its endpoints; also from call to call."""
    first = await bench.outbox.add([bench.posting("a", "x", "y"), bench.posting("b", "y", "x", "z")])
    second = await bench.outbox.add([bench.posting("c", "z")])
    answers = [answer for answer in [*first, *second] if isinstance(answer, Accepted)]
    assert [(answer.event, answer.duplicate) for answer in answers] == [("a", False), ("b", False), ("c", False)]
    assert [[owed.endpoint for owed in answer.deliveries] for answer in answers] == [["x", "y"], ["y", "x", "z"], ["z"]]
    numbers = [owed.id for answer in answers for owed in answer.deliveries]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > 0


async def test_nothing_to_add_is_no_error(bench: Bench) -> None:
    assert await bench.outbox.add([]) == []


async def test_an_event_nobody_wants_is_kept_too(bench: Bench) -> None:
    """It owes nothing, and a repeated id is still told from a new one."""
    posting = bench.posting("a")
    assert await bench.outbox.add([posting]) == [Accepted("a", duplicate=False, deliveries=())]
    assert await bench.outbox.add([posting]) == [Accepted("a", duplicate=True, deliveries=())]
    assert await bench.outbox.event("a") == posting.event


async def test_a_duplicate_is_answered_like_the_first_and_adds_nothing(bench: Bench) -> None:
    """Also after a restart, and when the endpoints that would get it have changed since."""
    number = await bench.add("a")
    again = [Accepted("a", duplicate=True, deliveries=(Owed(number, HOOK),))]
    assert await bench.outbox.add([bench.posting("a", HOOK)]) == again
    assert await bench.outbox.add([bench.posting("a", HOOK, "new")]) == again
    await bench.crash()
    assert await bench.outbox.add([bench.posting("a", HOOK)]) == again
    assert await bench.listed() == [number]


async def test_a_duplicate_of_a_delivered_event_delivers_nothing(bench: Bench) -> None:
    number = await bench.add("a")
    await bench.deliver()
    assert await bench.outbox.add([bench.posting("a", HOOK)]) == [
        Accepted("a", duplicate=True, deliveries=(Owed(number, HOOK),))
    ]
    assert await bench.claim() == []


async def test_a_duplicate_within_one_call_is_seen(bench: Bench) -> None:
    first, other, again = await bench.outbox.add(
        [bench.posting("a", "x", "y"), bench.posting("b", "x"), bench.posting("a", "x", "y")]
    )
    assert isinstance(first, Accepted)
    assert isinstance(other, Accepted)
    assert again == Accepted("a", duplicate=True, deliveries=first.deliveries)
    assert not first.duplicate


async def test_of_concurrent_duplicates_one_is_the_first(bench: Bench) -> None:
    answers = await asyncio.gather(*(bench.outbox.add([bench.posting("a", HOOK)]) for _ in range(20)))
    accepted = [answer for [answer] in answers if isinstance(answer, Accepted)]
    assert len(accepted) == 20
    assert sum(not answer.duplicate for answer in accepted) == 1
    assert len({answer.deliveries for answer in accepted}) == 1
    assert len(await bench.claim()) == 1


async def test_a_known_id_with_another_fingerprint_is_a_conflict(bench: Bench) -> None:
    """Nothing of it is stored; its neighbours in the call are."""
    await bench.add("a", body=b"one")
    answers = await bench.outbox.add([bench.posting("a", HOOK, body=b"two"), bench.posting("b", HOOK)])
    assert answers[0] == Conflict("a")
    assert isinstance(answers[1], Accepted)
    kept = await bench.outbox.event("a")
    assert kept is not None
    assert kept.body == b"one"
    assert len(await bench.listed()) == 2


async def test_a_conflict_within_one_call_is_seen(bench: Bench) -> None:
    first, other = await bench.outbox.add([bench.posting("a", HOOK), bench.posting("a", HOOK, body=b"two")])
    assert isinstance(first, Accepted)
    assert other == Conflict("a")


async def test_concurrent_calls_all_keep_what_they_took(bench: Bench) -> None:
    """Calls that share a commit do not mix their answers."""
    calls = [[f"{call}-{line}" for line in range(5)] for call in range(20)]
    answers = await asyncio.gather(
        *(bench.outbox.add([bench.posting(name, HOOK, subject=name) for name in names]) for names in calls)
    )
    assert [[answer.event for answer in call] for call in answers] == calls
    await bench.crash()
    assert {claim.event.id for claim in await bench.claim()} == {name for names in calls for name in names}


# Giving out


async def test_what_is_added_is_due_at_once(bench: Bench) -> None:
    number = await bench.add("a")
    claim = await bench.one()
    assert (claim.delivery, claim.endpoint, claim.number, claim.tries) == (number, HOOK, 1, 0)
    assert claim.owed_since == bench.now


async def test_what_is_added_after_the_clock_was_set_back_is_due_at_once(bench: Bench) -> None:
    """A machine may start with another time than it stopped with."""
    await bench.add("a", subject="a")
    await bench.deliver()
    bench.later(-HOUR)
    await bench.restart()
    number = await bench.add("b", subject="b")
    assert await bench.claimed() == [number]


async def test_nothing_is_given_out_twice(bench: Bench) -> None:
    """Neither by claims one after another nor by claims at once."""
    for number in range(30):
        await bench.add(f"e{number}", subject=f"s{number}")
    rounds = await asyncio.gather(*(bench.claimed(limit=7) for _ in range(6)))
    given = [number for numbers in rounds for number in numbers]
    assert len(given) == len(set(given)) == 30
    assert await bench.claim() == []


async def test_the_oldest_are_given_out_first_and_never_more_than_asked_for(bench: Bench) -> None:
    numbers = []
    for number in range(7):
        numbers.append(await bench.add(f"e{number}", subject=f"s{number}"))
        bench.later(1)
    assert await bench.claimed(limit=3) == numbers[:3]
    assert await bench.claimed(limit=1) == numbers[3:4]
    assert await bench.claimed(limit=100) == numbers[4:]


async def test_an_endpoint_gets_its_own_and_nothing_else(bench: Bench) -> None:
    [added] = await bench.outbox.add([bench.posting("a", "x", "y")])
    assert isinstance(added, Accepted)
    x, y = added.deliveries
    assert await bench.claimed(endpoint="x") == [x.id]
    assert await bench.claimed(endpoint="x") == []
    assert await bench.claimed(endpoint="y") == [y.id]
    assert await bench.claimed(endpoint="stranger") == []


async def test_what_failed_is_not_given_out_before_it_is_due(bench: Bench) -> None:
    number = await bench.add("a")
    await bench.fail(wait=5 * SECOND)
    bench.later(5 * SECOND - 1)
    assert await bench.claim() == []
    bench.later(1)
    assert await bench.claimed() == [number]


async def test_a_claim_tells_when_the_next_one_is_due(bench: Bench) -> None:
    for name, wait in (("a", 9 * SECOND), ("b", 5 * SECOND), ("c", 7 * SECOND)):
        await bench.add(name, subject=name)
        await bench.fail(wait=wait)
    assert (await bench.look()).next_due == bench.now + 5 * SECOND
    bench.later(6 * SECOND)
    seen = await bench.look()
    assert [claim.event.id for claim in seen.claims] == ["b"]
    assert seen.next_due == bench.now + SECOND


async def test_a_claim_that_leaves_something_due_says_so(bench: Bench) -> None:
    await bench.spread("abc")
    assert (await bench.look(limit=2)).next_due <= bench.now
    assert (await bench.look(limit=2)).next_due == FAR


async def test_with_nothing_owed_the_next_time_is_never(bench: Bench) -> None:
    """Nor does what is in flight count: its settlement wakes."""
    unknown = await bench.look()
    assert (unknown.claims, unknown.next_due, unknown.hold_until) == ((), FAR, FAR)
    await bench.add("a")
    await bench.one()
    busy = await bench.look()
    assert (busy.claims, busy.next_due, busy.hold_until) == ((), FAR, FAR)


async def test_an_abandoned_claim_is_as_before(bench: Bench) -> None:
    """No attempt was made, so none is counted."""
    await bench.add("a")
    await bench.fail()
    bench.later(SECOND)
    before = await bench.one()
    await bench.outbox.abandon([before.delivery])
    after = await bench.one()
    assert (after.delivery, after.number, after.tries, after.owed_since) == (
        before.delivery,
        before.number,
        before.tries,
        before.owed_since,
    )
    assert len(await bench.outbox.attempts(before.delivery)) == 1


# Settling


async def test_a_delivered_one_is_done(bench: Bench) -> None:
    number = await bench.add("a")
    await bench.deliver()
    bench.later(10 * SECOND)
    assert await bench.claim() == []
    row = await bench.log(number)
    assert (row.state, row.finished_at, row.status, row.attempts) == ("delivered", bench.now - 10 * SECOND, 200, 1)


async def test_a_dead_one_is_done_and_tells_why(bench: Bench) -> None:
    number = await bench.add("a")
    await bench.settle(await bench.one(), Dead("refused"))
    assert await bench.claim() == []
    row = await bench.log(number)
    assert (row.state, row.reason, row.status, row.finished_at) == ("dead", "refused", 422, bench.now)


async def test_only_counted_failures_use_up_the_schedule(bench: Bench) -> None:
    """Every attempt has its number; tries rise only where the verdict says so."""
    await bench.add("a")
    seen = []
    for counted in (True, False, False, True, True):
        claim = await bench.one()
        seen.append((claim.number, claim.tries))
        await bench.settle(claim, RetryAt(bench.now, counted=counted))
    claim = await bench.one()
    seen.append((claim.number, claim.tries))
    assert seen == [(1, 0), (2, 1), (3, 1), (4, 1), (5, 2), (6, 3)]


async def test_every_attempt_is_logged_with_its_verdict(bench: Bench) -> None:
    """Also over a crash: attempt and verdict are written together."""
    number = await bench.add("a")
    started = bench.now
    answer = bytes(range(256)) * 8
    outcomes = (
        Response(503, b"busy", "120"),
        Unreachable("timeout", "no answer in 15s"),
        Unreachable("reset", "cut off", 200, b"half"),
        Response(599, answer),
    )
    for outcome in outcomes:
        await bench.settle(await bench.one(), RetryAt(bench.now), outcome=outcome)
        bench.later(10)
    await bench.settle(await bench.one(), Delivered(), outcome=Response(204))
    expected = [
        (503, "", b"busy"),
        (0, "timeout: no answer in 15s", b""),
        (200, "reset: cut off", b"half"),
        (599, "", answer),
        (204, "", b""),
    ]
    log = [AttemptLog(index + 1, started - 7 + 10 * index, 6_500, *rest) for index, rest in enumerate(expected)]
    assert list(await bench.outbox.attempts(number)) == log
    await bench.crash()
    assert list(await bench.outbox.attempts(number)) == log
    assert await bench.outbox.attempts(number + 1000) == []


async def test_settling_one_endpoint_leaves_the_others(bench: Bench) -> None:
    await bench.add("a", "x", "y")
    await bench.kill("x")
    assert (await bench.one("y")).event.id == "a"


async def test_an_event_is_finished_when_its_last_delivery_is(bench: Bench) -> None:
    """Also where they end at once."""
    await bench.add("a", "x", "y", "z")
    x, y, z = [await bench.one(name) for name in "xyz"]
    await bench.settle(x, Delivered())
    assert await bench.outbox.prune(FAR, 100) == 0
    await asyncio.gather(bench.settle(y, Dead("refused")), bench.settle(z, Delivered()))
    assert await bench.outbox.prune(FAR, 100) == 1


async def test_what_was_in_flight_at_a_crash_comes_back_with_the_same_number(bench: Bench) -> None:
    """At least once: no verdict is on disk, so the attempt is made again under its own number."""
    await bench.add("a")
    await bench.fail()
    bench.later(SECOND)
    before = await bench.one()
    await bench.crash()
    after = await bench.one()
    assert (after.delivery, after.number, after.tries) == (before.delivery, 2, 1)


async def test_a_settled_one_stays_settled_over_a_crash(bench: Bench) -> None:
    numbers = await bench.spread("abc")
    done, gone, later = await bench.claim()
    await bench.settle(done, Delivered())
    await bench.settle(gone, Dead("exhausted"))
    await bench.settle(later, RetryAt(bench.now + 3 * SECOND))
    await bench.crash()
    rows = [await bench.log(number) for number in numbers]
    assert [(row.state, row.attempts) for row in rows] == [("delivered", 1), ("dead", 1), ("pending", 1)]
    assert rows[2].due == bench.now + 3 * SECOND
    assert (await bench.look()).next_due == bench.now + 3 * SECOND


async def test_settlements_at_once_are_all_written(bench: Bench) -> None:
    for number in range(40):
        await bench.add(f"e{number}", subject=f"s{number}")
    claims = await bench.claim()
    await asyncio.gather(*(bench.settle(claim, Delivered()) for claim in claims))
    assert (await bench.outbox.counts())[HOOK].delivered == 40
