"""What every outbox engine promises, sixth part: what is finished is owed again, step by step. Law: as in
test_outbox.py."""

import pytest
from engines import HOOK, HOUR, SECOND, Bench, every_engine

from sidecar.jobs import Again, Step
from sidecar.model import Dead, Delivered, Query

bench = every_engine

GONE = Dead("exhausted")


async def finished(bench: Bench, names: str, verdict: Dead | Delivered = GONE) -> list[int]:
    """Deliveries that ended one after another, each of a subject of its own, a second apart."""
    numbers = []
    for name in names:
        numbers.append(await bench.add(name, subject=name))
        await bench.settle(await bench.one(), verdict)
        bench.later(SECOND)
    return numbers


async def step(bench: Bench, which: Again, after: int = 0, *, limit: int = 100, most: int = 100) -> Step:
    return await bench.outbox.replay(HOOK, which, after, bench.now, limit=limit, most=most)


def every(bench: Bench, *, since: int = 0, until: int = 0, states: tuple[str, ...] = ("dead",)) -> Again:
    """All that is finished by now; then time goes on."""
    which = Again(since, until, states, bench.now)
    bench.later(SECOND)
    return which


async def test_what_is_dead_is_owed_again_oldest_first(bench: Bench) -> None:
    numbers = await finished(bench, "abc")
    which = every(bench)
    first = await step(bench, which, limit=2)
    assert (first.resent, first.after, first.done) == (2, numbers[1], False)
    last = await step(bench, which, first.after, limit=2)
    assert (last.resent, last.share, last.done) == (1, 1000, True)
    claims = await bench.claim()
    assert [claim.delivery for claim in claims] == numbers
    assert {(claim.number, claim.tries, claim.owed_since) for claim in claims} == {(2, 0, bench.now)}


async def test_a_step_that_is_made_twice_changes_nothing(bench: Bench) -> None:
    """As after a crash, also when what was owed again has failed again meanwhile."""
    numbers = await finished(bench, "abc")
    which = every(bench)
    await step(bench, which)
    for claim in (await bench.claim())[:2]:
        await bench.settle(claim, Dead("refused"))
    await bench.crash()
    assert (await step(bench, which)).resent == 0
    assert await bench.claimed() == numbers[2:]


async def test_of_a_subject_the_older_goes_first_and_never_two_at_once(bench: Bench) -> None:
    numbers = []
    for name in "abc":
        numbers.append(await bench.add(name))
        await bench.kill()
    await step(bench, every(bench))
    for number in numbers:
        assert await bench.claimed() == [number]
        claim_settled = [row for row in await bench.outbox.deliveries(Query()) if row.id == number]
        assert claim_settled[0].state == "pending"
        await bench.outbox.abandon([number])
        await bench.deliver()


async def test_no_more_are_owed_again_at_once_than_there_is_room_for(bench: Bench) -> None:
    numbers = await finished(bench, "abcde")
    which = every(bench)
    first = await step(bench, which, most=2)
    assert (first.resent, first.after, first.done) == (2, numbers[1], False)
    assert await step(bench, which, first.after, most=2) == Step(0, first.after, first.share, done=False)
    await bench.settle((await bench.claim(1))[0], Delivered())
    again = await step(bench, which, first.after, most=2)
    assert (again.resent, again.after) == (1, numbers[2])


async def test_what_waits_by_itself_takes_no_room(bench: Bench) -> None:
    """Fresh ones, and one that failed and was overtaken."""
    await finished(bench, "a")
    which = every(bench)
    await bench.add("x")
    await bench.fail(wait=HOUR)
    bench.later(HOUR)
    await bench.add("y")
    assert (await step(bench, which, most=1)).resent == 1


async def test_a_replay_is_bounded_by_time_state_and_endpoint(bench: Bench) -> None:
    start = bench.now
    dead = await finished(bench, "abc")
    delivered = await finished(bench, "de", Delivered())
    await bench.add("other", "other", subject="other")
    await bench.kill("other")
    which = every(bench, since=start + SECOND, until=start + 2 * SECOND)
    assert (await step(bench, which)).resent == 1
    assert await bench.claimed() == dead[1:2]
    assert (await step(bench, Again(0, 0, ("delivered",), which.finished_by))).resent == 2
    assert await bench.claimed() == delivered
    assert (await step(bench, Again(0, 0, ("delivered", "dead"), which.finished_by))).resent == 2
    assert await bench.claimed() == [dead[0], dead[2]]
    assert await bench.claimed(endpoint="other") == []


async def test_what_finished_later_than_the_job_was_made_is_left_alone(bench: Bench) -> None:
    which = every(bench)
    await finished(bench, "ab")
    assert await step(bench, which) == Step(0, await last(bench), 1000, done=True)


async def last(bench: Bench) -> int:
    return (await bench.listed(Query(limit=1)))[0]


@pytest.mark.parametrize("name", ["stranger"])
async def test_an_endpoint_never_seen_has_nothing_to_owe_again(bench: Bench, name: str) -> None:
    done = await bench.outbox.replay(name, every(bench), 0, bench.now, limit=10, most=10)
    assert (done.resent, done.done) == (0, True)


async def test_the_counters_follow_a_replay(bench: Bench) -> None:
    await finished(bench, "ab")
    await step(bench, every(bench))
    counts = (await bench.outbox.counts())[HOOK]
    assert (counts.pending, counts.dead, counts.oldest) == (2, 0, bench.now)
