"""What every outbox engine promises, fourth part: what is owed again, earlier, or no longer: release, resend, expire.

Law: as in test_outbox.py.
"""

from engines import HOLD, HOOK, HOUR, SECOND, Bench, every_engine

from sidecar.model import Dead, Delivered, RetryAt, Verdict

bench = every_engine

# Release


async def test_release_makes_due_what_failed_through_the_endpoint(bench: Bench) -> None:
    """And nothing else: what failed by its own fault keeps its schedule."""
    numbers = await bench.spread("abcd")
    for claim in await bench.claim():
        await bench.settle(claim, RetryAt(bench.now + HOUR), fault=claim.event.id in "acd")
    bench.later(SECOND)
    assert await bench.outbox.release(HOOK, bench.now, 100) == 3
    assert await bench.claimed() == [numbers[0], numbers[2], numbers[3]]
    assert (await bench.look()).next_due == bench.now + HOUR - SECOND


async def test_only_the_last_failure_decides_what_is_released(bench: Bench) -> None:
    await bench.add("a")
    await bench.fail(fault=True)
    bench.later(SECOND)
    await bench.fail(wait=HOUR, fault=False)
    assert await bench.outbox.release(HOOK, bench.now, 100) == 0
    assert await bench.claim() == []


async def test_release_leaves_what_never_failed_or_is_done(bench: Bench) -> None:
    done, gone, _ = await bench.spread("abc")
    for claim in await bench.claim(limit=2):
        await bench.settle(claim, RetryAt(bench.now), fault=True)
    verdicts: dict[int, Verdict] = {done: Delivered(), gone: Dead("refused")}
    for claim in await bench.claim():
        if claim.delivery in verdicts:
            await bench.settle(claim, verdicts[claim.delivery])
    assert await bench.outbox.release(HOOK, bench.now, 100) == 0


async def test_release_comes_in_pieces_and_in_order(bench: Bench) -> None:
    """Asked again until it answers less than the limit, it has released all; the oldest start first."""
    numbers = await bench.spread("abcde")
    waits = (5, 3, 1, 4, 2)
    for claim, wait in zip(await bench.claim(), waits, strict=True):
        await bench.settle(claim, RetryAt(bench.now + wait * HOUR), fault=True)
    bench.later(SECOND)
    assert [await bench.outbox.release(HOOK, bench.now, 2) for _ in range(4)] == [2, 2, 1, 0]
    bench.later(1)
    assert [await bench.claimed(limit=1) for _ in range(5)] == [[number] for number in numbers]


async def test_release_keeps_the_order_of_a_subject(bench: Bench) -> None:
    first, second = await bench.queue("ab")
    await bench.fail(wait=HOUR, fault=True)
    await bench.outbox.release(HOOK, bench.now, 100)
    assert [await bench.deliver(), await bench.deliver()] == [first, second]


async def test_release_is_by_endpoint(bench: Bench) -> None:
    await bench.add("a", "x", "y")
    await bench.fail("x", wait=HOUR, fault=True)
    await bench.fail("y", wait=HOUR, fault=True)
    assert await bench.outbox.release("x", bench.now, 100) == 1
    assert await bench.outbox.release("stranger", bench.now, 100) == 0
    assert len(await bench.claim(endpoint="x")) == 1
    assert await bench.claim(endpoint="y") == []


async def test_a_released_one_uses_up_what_it_had_used_up(bench: Bench) -> None:
    """Tries and attempts go on; it is owed since it was."""
    await bench.add("a")
    owed_since = bench.now
    await bench.fail(wait=HOUR, fault=True)
    bench.later(SECOND)
    await bench.outbox.release(HOOK, bench.now, 100)
    claim = await bench.one()
    assert (claim.number, claim.tries, claim.owed_since) == (2, 1, owed_since)


async def test_what_is_released_is_so_after_a_crash(bench: Bench) -> None:
    number = await bench.add("a")
    await bench.fail(wait=HOUR, fault=True)
    await bench.outbox.release(HOOK, bench.now, 100)
    await bench.crash()
    assert await bench.claimed() == [number]


# Resend


async def test_a_resent_one_is_owed_anew(bench: Bench) -> None:
    """Delivered or dead: due at once, with a fresh schedule and age; the attempts' numbers go on."""
    for name, verdict in (("a", Delivered()), ("b", Dead("exhausted"))):
        number = await bench.add(name, subject=name)
        await bench.fail(wait=0)
        await bench.settle(await bench.one(), verdict)
        bench.later(HOUR)
        assert await bench.outbox.resend(number, bench.now) is True
        row = await bench.log(number)
        assert (row.state, row.reason, row.due <= bench.now) == ("pending", "", True)
        claim = await bench.one()
        assert (claim.delivery, claim.number, claim.tries, claim.owed_since) == (number, 3, 0, bench.now)
        await bench.settle(claim, Delivered())
        assert [attempt.number for attempt in await bench.outbox.attempts(number)] == [1, 2, 3]


async def test_a_resend_survives_a_crash(bench: Bench) -> None:
    number = await bench.add("a")
    await bench.kill()
    await bench.outbox.resend(number, bench.now)
    await bench.crash()
    assert await bench.claimed() == [number]


async def test_a_pending_one_is_due_at_once_when_resent(bench: Bench) -> None:
    number = await bench.add("a")
    await bench.fail(wait=HOUR)
    assert await bench.outbox.resend(number, bench.now) is True
    claim = await bench.one()
    assert (claim.delivery, claim.number) == (number, 2)


async def test_what_is_in_flight_or_unknown_cannot_be_resent(bench: Bench) -> None:
    await bench.add("a")
    claim = await bench.one()
    assert await bench.outbox.resend(claim.delivery, bench.now) is False
    assert await bench.outbox.resend(claim.delivery + 1000, bench.now) is False
    await bench.settle(claim, Delivered())
    assert await bench.outbox.resend(claim.delivery, bench.now) is True


async def test_a_resent_one_waits_for_what_is_in_flight_of_its_subject(bench: Bench) -> None:
    """Never two of a subject at once."""
    first = await bench.add("a")
    await bench.deliver()
    await bench.add("b")
    claim = await bench.one()
    await bench.outbox.resend(first, bench.now)
    assert await bench.claim() == []
    await bench.settle(claim, Delivered())
    assert await bench.claimed() == [first]


async def test_several_resent_ones_of_a_subject_keep_its_order(bench: Bench) -> None:
    numbers = await bench.queue("abc")
    for _ in numbers:
        await bench.kill()
    for number in reversed(numbers):
        await bench.outbox.resend(number, bench.now)
    assert [await bench.deliver() for _ in numbers] == numbers


async def test_a_resent_event_is_not_pruned_before_it_is_finished_again(bench: Bench) -> None:
    number = await bench.add("a")
    await bench.kill()
    bench.later(HOUR)
    await bench.outbox.resend(number, bench.now)
    assert await bench.outbox.prune(bench.now + HOUR, 100) == 0
    await bench.deliver()
    assert await bench.outbox.prune(bench.now, 100) == 0
    assert await bench.outbox.prune(bench.now + 1, 100) == 1
    assert await bench.outbox.resend(number, bench.now) is False


# Expire


async def test_what_has_been_owed_too_long_expires(bench: Bench) -> None:
    """Dead, with the reason; not what is owed since then or later."""
    old = await bench.add("a", subject="a")
    bench.later(HOUR)
    young = await bench.add("b", subject="b")
    assert await bench.outbox.expire(HOOK, bench.now, bench.now, 100) == [old]
    row = await bench.log(old)
    assert (row.state, row.reason, row.finished_at, row.attempts) == ("dead", "expired", bench.now, 0)
    assert await bench.claimed() == [young]
    await bench.crash()
    assert (await bench.log(old)).state == "dead"


async def test_expiry_comes_in_pieces(bench: Bench) -> None:
    numbers = await bench.spread("abcde")
    bench.later(SECOND)
    pieces = [await bench.outbox.expire(HOOK, bench.now, bench.now, 2) for _ in range(4)]
    assert [len(piece) for piece in pieces] == [2, 2, 1, 0]
    assert sorted(number for piece in pieces for number in piece) == numbers


async def test_expiry_is_by_endpoint(bench: Bench) -> None:
    await bench.add("a", "x", "y")
    bench.later(SECOND)
    assert len(await bench.outbox.expire("x", bench.now, bench.now, 100)) == 1
    assert await bench.outbox.expire("stranger", bench.now, bench.now, 100) == []
    assert await bench.claim(endpoint="x") == []
    assert len(await bench.claim(endpoint="y")) == 1


async def test_what_is_in_flight_does_not_expire(bench: Bench) -> None:
    """Its verdict is about to fall."""
    number = await bench.add("a")
    claim = await bench.one()
    bench.later(HOUR)
    assert await bench.outbox.expire(HOOK, bench.now, bench.now, 100) == []
    await bench.settle(claim, Delivered())
    assert (await bench.log(number)).state == "delivered"


async def test_what_waits_behind_one_in_flight_may_expire(bench: Bench) -> None:
    """A subject that is always busy keeps nothing for ever."""
    await bench.add("a")
    claim = await bench.one()
    waiting = await bench.add("b")
    bench.later(HOUR)
    assert await bench.outbox.expire(HOOK, bench.now, bench.now, 100) == [waiting]
    await bench.settle(claim, Delivered())
    assert await bench.claim() == []


async def test_the_next_of_the_subject_goes_on_when_one_expires(bench: Bench) -> None:
    """Also when what expired was holding it back."""
    await bench.add("a")
    bench.later(HOUR)
    second = await bench.add("b")
    await bench.fail(wait=HOUR)
    bench.later(HOLD // 2)
    await bench.outbox.expire(HOOK, bench.now - HOLD, bench.now, 100)
    assert (await bench.log(second)).held_by == 0
    assert await bench.claimed() == [second]


async def test_what_waits_behind_may_expire_before_what_it_waits_for(bench: Bench) -> None:
    """A resent one is younger than its number."""
    first = await bench.add("a")
    await bench.kill()
    second, third = await bench.queue("bc")
    bench.later(HOUR)
    await bench.outbox.resend(first, bench.now)
    assert sorted(await bench.outbox.expire(HOOK, bench.now, bench.now, 100)) == [second, third]
    assert await bench.deliver() == first
    assert await bench.claim() == []


async def test_the_age_of_a_resent_one_is_counted_from_the_resend(bench: Bench) -> None:
    number = await bench.add("a")
    await bench.kill()
    bench.later(HOUR)
    await bench.outbox.resend(number, bench.now)
    assert await bench.outbox.expire(HOOK, bench.now, bench.now, 100) == []
    assert await bench.outbox.expire(HOOK, bench.now + 1, bench.now, 100) == [number]
