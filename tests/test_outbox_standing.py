"""What every outbox engine promises, of a claim that stands: what comes in to who has nothing else is handed over.

Law: as in test_outbox.py. An engine may wake instead, at any time; what it hands over is claimed as by any other claim.
"""

import asyncio

from engines import HOOK, SECOND, Bench, every_engine

from sidecar.model import Accepted, Claim, Delivered, RetryAt

bench = every_engine


async def stand(bench: Bench, *, standing: bool = True) -> None:
    assert (await bench.outbox.claim(HOOK, 16, bench.now, bench.flow, standing=standing)).claims == ()
    bench.woken.clear()


async def got(bench: Bench) -> list[Claim]:
    """What was handed over, or could be claimed by who was woken."""
    handed, bench.handed = bench.handed, []
    return [*handed, *(await bench.claim() if HOOK in bench.woken else [])]


async def test_what_comes_in_is_handed_over_before_its_caller_hears_of_it(bench: Bench) -> None:
    await stand(bench)
    seen: list[int] = []
    adding = asyncio.ensure_future(bench.add("a"))
    adding.add_done_callback(lambda _: seen.append(len(bench.handed)))
    number = await adding
    await asyncio.sleep(0)
    [claim] = bench.handed
    assert (claim.delivery, claim.number, claim.event.id, seen) == (number, 1, "a", [1])
    assert await bench.claimed() == [], "it is in flight"
    await bench.settle(claim, Delivered())
    assert (await bench.log(number)).state == "delivered"


async def test_a_claim_that_stands_goes_on_after_what_it_was_given(bench: Bench) -> None:
    await stand(bench)
    for name in "abc":
        number = await bench.add(name)
        [claim] = bench.handed
        assert claim.delivery == number
        await bench.settle(claim, Delivered())
        bench.handed.clear()


async def test_of_many_at_once_none_is_missed_and_none_comes_twice(bench: Bench) -> None:
    await stand(bench)
    answers = await bench.outbox.add([bench.posting(f"e{n}", HOOK, subject=f"s{n % 20}") for n in range(40)])
    numbers = [answer.deliveries[0].id for answer in answers if isinstance(answer, Accepted)]
    first = await got(bench)
    assert sorted(claim.delivery for claim in first) == numbers[:20], "of each subject its first"
    for claim in first:
        await bench.settle(claim, Delivered())
    assert sorted(claim.delivery for claim in await got(bench)) == numbers[20:]


async def test_what_is_owed_comes_first_whatever_stands(bench: Bench) -> None:
    await stand(bench)
    first = await bench.add("a")
    [claim] = await got(bench)
    await bench.settle(claim, RetryAt(bench.now + SECOND))
    second = await bench.add("b")
    assert bench.handed == [], "it waits its turn behind the one that failed"
    bench.later(SECOND)
    assert await bench.deliver() == first
    assert await bench.claimed() == [second]


async def test_nothing_is_handed_over_to_who_no_longer_stands(bench: Bench) -> None:
    await stand(bench)
    await stand(bench, standing=False)
    number = await bench.add("a")
    assert (bench.handed, HOOK in bench.woken) == ([], True)
    assert await bench.claimed() == [number]


async def test_what_is_given_back_can_be_claimed_and_the_claim_stands_no_longer(bench: Bench) -> None:
    await stand(bench)
    number = await bench.add("a")
    taken = [claim.delivery for claim in await got(bench)]
    bench.woken.clear()
    await bench.outbox.abandon(taken)
    assert (taken, HOOK in bench.woken) == ([number], True)
    assert await bench.deliver() == number
    await bench.add("b")
    assert bench.handed == []


async def test_what_was_handed_over_when_the_process_died_is_owed_again(bench: Bench) -> None:
    await stand(bench)
    number = await bench.add("a")
    await bench.crash()
    bench.handed.clear()
    assert await bench.claimed() == [number]
    assert (await bench.log(number)).attempts == 0


async def test_a_duplicate_is_not_handed_over_again(bench: Bench) -> None:
    await stand(bench)
    await bench.add("a")
    [claim] = await got(bench)
    await bench.settle(claim, Delivered())
    [again] = await bench.outbox.add([bench.posting("a", HOOK)])
    assert isinstance(again, Accepted)
    assert (again.duplicate, bench.handed) == (True, [])
