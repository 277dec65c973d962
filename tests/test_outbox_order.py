"""What every outbox engine promises, third part: the order within a subject, and the hold that bounds its price.

Law: as in test_outbox.py. A hold is counted on the endpoint's flow clock, from the subject's first failure since its
last success.
"""

from engines import HOLD, HOOK, HOUR, SECOND, Bench, every_engine

from sidecar.model import FAR, Dead, Delivered, RetryAt

bench = every_engine

# Order


async def test_of_one_subject_never_two_at_once(bench: Bench) -> None:
    first, second, third = await bench.queue("abc")
    assert await bench.claimed(limit=1) == [first]
    assert await bench.claim() == []
    bench.later(HOUR)
    assert await bench.claim() == []
    await bench.crash()
    assert [await bench.deliver(), await bench.deliver(), await bench.deliver()] == [first, second, third]


async def test_the_order_accepted_is_kept_over_retries(bench: Bench) -> None:
    """A failing one comes again before what is later, however often it fails within the hold."""
    first, second = await bench.queue("ab")
    for _ in range(3):
        assert await bench.fail(wait=SECOND) == first
        assert await bench.claim() == []
        bench.later(SECOND)
    assert [await bench.deliver(), await bench.deliver()] == [first, second]


async def test_the_order_is_kept_within_one_call_and_from_call_to_call(bench: Bench) -> None:
    await bench.outbox.add([bench.posting("a", HOOK), bench.posting("b", HOOK)])
    await bench.outbox.add([bench.posting("c", HOOK), bench.posting("d", HOOK)])
    order = []
    for _ in range(4):
        claim = await bench.one()
        order.append(claim.event.id)
        await bench.settle(claim, Delivered())
    assert order == ["a", "b", "c", "d"]


async def test_a_failure_that_uses_up_no_try_keeps_the_order_too(bench: Bench) -> None:
    """A probe, or a 410."""
    first, second = await bench.queue("ab")
    await bench.settle(await bench.one(), RetryAt(bench.now + SECOND, counted=False), fault=True)
    assert await bench.claim() == []
    bench.later(SECOND)
    assert [await bench.deliver(), await bench.deliver()] == [first, second]


async def test_an_abandoned_claim_keeps_its_place(bench: Bench) -> None:
    first, second = await bench.queue("ab")
    await bench.outbox.abandon(await bench.claimed())
    assert [await bench.deliver(), await bench.deliver()] == [first, second]


async def test_other_subjects_pass(bench: Bench) -> None:
    await bench.add("a", subject="stuck")
    await bench.add("b", subject="stuck")
    await bench.fail(wait=HOUR)
    other = await bench.add("c", subject="free")
    assert await bench.claimed() == [other]


async def test_a_long_queue_of_one_subject_leaves_room_for_the_others(bench: Bench) -> None:
    """A limit is not used up by what cannot start."""
    for number in range(50):
        await bench.add(f"long-{number}", subject="long")
    other = await bench.add("short", subject="short")
    assert other in await bench.claimed(limit=2)


async def test_endpoints_do_not_wait_for_one_another(bench: Bench) -> None:
    for name in "ab":
        await bench.add(name, "x", "y")
    await bench.fail("x", wait=HOUR)
    assert (await bench.one("y")).event.id == "a"
    assert await bench.claim(endpoint="x") == []


async def test_without_an_order_all_of_a_subject_go_at_once(bench: Bench) -> None:
    """And nothing is held back by what fails."""
    await bench.restart(order="none")
    numbers = await bench.queue("abc")
    first, *_ = claims = await bench.claim()
    assert [claim.delivery for claim in claims] == numbers
    await bench.settle(first, RetryAt(bench.now + HOUR))
    later = await bench.add("d")
    seen = await bench.look()
    assert [claim.delivery for claim in seen.claims] == [later]
    assert seen.hold_until == FAR
    assert (await bench.log(later)).held_by == 0


# The hold


async def test_a_failing_one_holds_back_what_is_later_until_the_hold_is_over(bench: Bench) -> None:
    first, second = await bench.queue("ab")
    await bench.fail(wait=HOUR)
    bench.later(HOLD - 1)
    assert await bench.claim() == []
    bench.later(1)
    assert await bench.claimed() == [second]
    assert (await bench.log(first)).state == "pending"


async def test_a_claim_tells_when_the_next_hold_is_over(bench: Bench) -> None:
    """On the flow clock."""
    for subject in ("one", "two"):
        for number in range(2):
            await bench.add(f"{subject}-{number}", subject=subject)
    start = bench.flow
    for claim in await bench.claim():
        await bench.settle(claim, RetryAt(bench.now + HOUR))
        bench.later(SECOND)
    assert (await bench.look()).hold_until == start + HOLD
    bench.later(HOLD - 2 * SECOND)
    seen = await bench.look()
    assert [claim.event.id for claim in seen.claims] == ["one-1"]
    assert seen.hold_until == start + HOLD + SECOND


async def test_a_failing_one_without_later_ones_needs_no_hold_to_end(bench: Bench) -> None:
    """What comes meanwhile is held all the same."""
    await bench.add("a")
    start = bench.flow
    first = await bench.fail(wait=HOUR)
    bench.later(HOLD // 2)
    second = await bench.add("b")
    assert (await bench.look()).hold_until == start + HOLD
    row = await bench.log(second)
    assert (row.held_by, row.hold_until) == (first, start + HOLD)
    bench.later(HOLD // 2)
    assert await bench.claimed() == [second]


async def test_what_is_overtaken_keeps_its_own_schedule(bench: Bench) -> None:
    first, second = await bench.queue("ab")
    await bench.fail(wait=HOUR)
    due = bench.now + HOUR
    bench.later(HOLD)
    assert await bench.deliver() == second
    assert (await bench.look()).next_due == due
    bench.later(HOUR - HOLD)
    claim = await bench.one()
    assert (claim.delivery, claim.number, claim.tries) == (first, 2, 1)


async def test_what_is_overtaken_waits_while_another_of_its_subject_is_in_flight(bench: Bench) -> None:
    """Never two at once holds after the hold, too."""
    first, second = await bench.queue("ab")
    await bench.fail(wait=HOLD)
    bench.later(HOLD - 1)
    bench.later(1, flowing=True)
    [claim] = await bench.claim()
    bench.later(HOUR)
    assert await bench.claim() == []
    await bench.settle(claim, Delivered())
    assert {claim.delivery, await bench.deliver()} == {first, second}


async def test_the_hold_is_counted_from_the_first_failure(bench: Bench) -> None:
    """Later ones do not make it longer."""
    start = bench.flow
    await bench.add("a")
    await bench.add("b")
    for _ in range(5):
        await bench.fail(wait=HOLD // 6)
        bench.later(HOLD // 6)
    await bench.fail(wait=HOUR)
    assert (await bench.look()).hold_until == start + HOLD
    bench.later(start + HOLD - bench.flow)
    assert (await bench.one()).event.id == "b"


async def test_a_success_of_the_subject_ends_the_count(bench: Bench) -> None:
    """The next failure begins a new one."""
    await bench.queue("abc")
    await bench.fail(wait=SECOND)
    bench.later(HOLD // 2)
    await bench.deliver()
    start = bench.flow
    await bench.fail(wait=HOUR)
    assert (await bench.look()).hold_until == start + HOLD
    bench.later(HOLD - 1)
    assert await bench.claim() == []
    bench.later(1)
    assert (await bench.one()).event.id == "c"


async def test_the_hold_is_kept_over_a_crash(bench: Bench) -> None:
    start = bench.flow
    first, second = await bench.queue("ab")
    await bench.fail(wait=HOUR)
    bench.later(HOLD // 2)
    await bench.crash()
    assert (await bench.look()).hold_until == start + HOLD
    assert (await bench.log(second)).held_by == first
    bench.later(HOLD // 2)
    assert await bench.claimed() == [second]


async def test_that_a_hold_is_over_is_kept_over_a_crash(bench: Bench) -> None:
    await bench.queue("abc")
    await bench.fail(wait=HOUR)
    bench.later(HOLD)
    await bench.deliver()
    await bench.crash()
    assert (await bench.one()).event.id == "c"


async def test_the_hold_stands_still_while_nothing_flows(bench: Bench) -> None:
    """However long the endpoint is paused or failing."""
    await bench.add("a")
    await bench.add("b")
    await bench.fail(wait=1000 * HOUR)
    bench.later(HOLD - SECOND)
    bench.later(100 * HOUR, flowing=False)
    assert await bench.claim() == []
    bench.later(SECOND)
    assert (await bench.one()).event.id == "b"


async def test_a_dead_one_lets_the_next_through_at_once(bench: Bench) -> None:
    _, second = await bench.queue("ab")
    await bench.fail(wait=SECOND)
    bench.later(SECOND)
    await bench.kill()
    assert await bench.claimed() == [second]


async def test_a_death_does_not_end_the_count(bench: Bench) -> None:
    """Only a success does: a subject whose every event fails is late by one hold, not by one for each event."""
    start = bench.flow
    await bench.queue("abc")
    await bench.fail(wait=SECOND)
    bench.later(SECOND)
    await bench.settle(await bench.one(), Dead("exhausted"))
    bench.later(SECOND)
    await bench.fail(wait=HOUR)
    assert (await bench.look()).hold_until == start + HOLD
    bench.later(start + HOLD - bench.flow)
    assert (await bench.one()).event.id == "c"


async def test_after_the_hold_a_failure_does_not_hold_anew(bench: Bench) -> None:
    """Until a success: the count has run out for the whole subject."""
    numbers = await bench.queue("abcd")
    await bench.fail(wait=HOUR)
    bench.later(HOLD)
    assert await bench.fail(wait=HOUR) == numbers[1]
    assert await bench.fail(wait=HOUR) == numbers[2]
    await bench.crash()
    assert await bench.claimed() == [numbers[3]]


async def test_what_was_overtaken_holds_nothing_while_it_waits(bench: Bench) -> None:
    """A success of what passed it has ended the count."""
    await bench.add("a")
    await bench.add("b")
    await bench.fail(wait=HOUR)
    bench.later(HOLD)
    await bench.deliver()
    third = await bench.add("c")
    assert (await bench.log(third)).held_by == 0
    assert await bench.claimed() == [third]


async def test_what_was_overtaken_and_fails_again_after_a_success_holds_anew(bench: Bench) -> None:
    """It holds back what is later than itself and has not been overtaken."""
    first, second = await bench.queue("ab")
    await bench.fail(wait=HOUR)
    bench.later(HOLD)
    assert await bench.deliver() == second
    bench.later(HOUR - HOLD)
    start = bench.flow
    claim = await bench.one()
    third = await bench.add("c")
    await bench.settle(claim, RetryAt(bench.now + HOUR))
    fourth = await bench.add("d")
    seen = await bench.look()
    assert (seen.claims, seen.hold_until) == ((), start + HOLD)
    for held in (third, fourth):
        row = await bench.log(held)
        assert (row.held_by, row.hold_until) == (first, start + HOLD)
    bench.later(HOLD)
    assert await bench.claimed() == [third]


async def test_two_overtaken_ones_do_not_hold_each_other(bench: Bench) -> None:
    """Each comes at its own time, though the earlier one fails again after a success."""
    first, second, third = await bench.queue("abc")
    await bench.fail(wait=2 * HOUR)
    bench.later(HOLD)
    assert await bench.fail(wait=3 * HOUR) == second
    assert await bench.deliver() == third
    bench.later(2 * HOUR - HOLD)
    assert await bench.fail(wait=9 * HOUR) == first
    bench.later(HOLD, flowing=False)
    assert await bench.claim() == []
    bench.later(HOUR, flowing=False)
    assert await bench.claimed() == [second]


async def test_a_success_meanwhile_makes_no_wait_longer_than_the_hold(bench: Bench) -> None:
    """One that passed out of its order, a resent one, ends the count; what fails holds back what is later no longer
    for it."""
    first = await bench.add("a")
    await bench.kill()
    await bench.queue("bc")
    await bench.fail(wait=HOUR)
    bench.later(SECOND)
    await bench.outbox.resend(first, bench.now)
    assert await bench.deliver() == first
    bench.later(HOLD)
    assert (await bench.one()).event.id == "c"


async def test_a_log_names_who_holds_it_and_until_when(bench: Bench) -> None:
    """Nobody holds it any more once the failing one is through."""
    first, second = await bench.queue("ab")
    start = bench.flow
    await bench.fail(wait=SECOND)
    held, holder = await bench.log(second), await bench.log(first)
    assert (held.held_by, held.hold_until) == (first, start + HOLD)
    assert holder.held_by == 0
    bench.later(SECOND)
    await bench.deliver()
    assert (await bench.log(second)).held_by == 0


async def test_one_that_was_sent_again_and_fails_past_the_hold_keeps_nobody_waiting(bench: Bench) -> None:
    """The hold is over: what held back meanwhile is overtaken, whoever's failure showed it."""
    first = await bench.add("a")
    await bench.kill()
    second, third = await bench.queue("bc")
    assert await bench.fail(wait=10 * HOUR) == second
    await bench.outbox.resend(first, bench.now)
    claim = await bench.one()
    assert claim.delivery == first
    bench.later(HOLD)
    await bench.settle(claim, RetryAt(bench.now + 9 * HOUR))
    bench.later(HOUR)
    assert [claim.delivery for claim in (await bench.look()).claims] == [third]


async def test_what_stands_in_the_order_and_fails_is_what_the_hold_is_for(bench: Bench) -> None:
    """Though one that was overtaken, with a higher number, failed before it."""
    first = await bench.add("b")
    bench.later(1)
    second = await bench.add("c")
    assert (await bench.one()).delivery == first
    assert await bench.outbox.expire(HOOK, bench.now + 1, bench.now, 100) == [second]
    await bench.outbox.abandon([first])
    await bench.outbox.resend(second, bench.now)
    bench.later(1)
    await bench.outbox.resend(first, bench.now)
    third = await bench.add("d")
    for expected, wait in ((second, HOUR), (first, 20 * HOUR)):
        [claim] = await bench.claim(1)
        assert claim.delivery == expected
        await bench.settle(claim, RetryAt(bench.now + wait))
    bench.later(HOLD)
    assert [claim.delivery for claim in await bench.claim()] == [third]
