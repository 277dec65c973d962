"""What every outbox engine promises, of the delivery that may be taken in the step that ends another.

Law: as in test_outbox.py. Whatever a claim promises holds here as well.
"""

import asyncio

from engines import HOLD, HOOK, SECOND, Bench, every_engine

from sidecar.model import Delivered, RetryAt

bench = every_engine


async def test_with_a_verdict_the_next_one_that_is_due_is_taken(bench: Bench) -> None:
    first, second, third = await bench.spread("abc")
    [claim] = await bench.claim(limit=1)
    another = await bench.outbox.settle(bench.settlement(claim, Delivered()), another=True)
    assert another is not None
    assert (claim.delivery, another.delivery, another.event.id) == (first, second, "b")
    assert await bench.claimed() == [third]
    assert (await bench.log(first)).state == "delivered"


async def test_only_who_asks_is_given_another(bench: Bench) -> None:
    _, second = await bench.spread("ab")
    [claim] = await bench.claim(limit=1)
    assert await bench.outbox.settle(bench.settlement(claim, Delivered())) is None
    assert await bench.claimed() == [second]


async def test_of_the_same_subject_the_next_follows_in_the_order_accepted(bench: Bench) -> None:
    numbers = await bench.queue("abc")
    claim = await bench.one()
    taken = [claim.delivery]
    while another := await bench.outbox.settle(bench.settlement(claim, Delivered()), another=True):
        claim = another
        taken.append(claim.delivery)
    assert taken == numbers


async def test_another_of_a_failing_subject_is_held_back_until_its_hold_is_over(bench: Bench) -> None:
    first, second = await bench.queue("ab")
    failed = bench.settlement(await bench.one(), RetryAt(bench.now + SECOND))
    assert await bench.outbox.settle(failed, another=True) is None
    bench.later(SECOND)
    again = await bench.one()
    bench.later(HOLD)
    another = await bench.outbox.settle(bench.settlement(again, RetryAt(bench.now + HOLD)), another=True)
    assert another is not None
    assert (again.delivery, another.delivery) == (first, second)


async def test_many_that_end_at_once_get_one_each_and_none_twice(bench: Bench) -> None:
    numbers = await bench.spread("abcdefg")
    claims = await bench.claim(limit=4)
    ended = [bench.outbox.settle(bench.settlement(claim, Delivered()), another=True) for claim in claims]
    others = [another.delivery for another in await asyncio.gather(*ended) if another]
    assert sorted(others) == numbers[4:]


async def test_another_is_of_the_same_endpoint_and_none_where_nothing_is_due(bench: Bench) -> None:
    await bench.add("x", HOOK, "elsewhere")
    claim = await bench.one()
    assert await bench.outbox.settle(bench.settlement(claim, Delivered()), another=True) is None
    assert len(await bench.claim(endpoint="elsewhere")) == 1


async def test_what_was_taken_with_a_verdict_comes_back_after_a_crash(bench: Bench) -> None:
    _, second = await bench.spread("ab")
    [claim] = await bench.claim(limit=1)
    await bench.outbox.settle(bench.settlement(claim, Delivered()), another=True)
    await bench.crash()
    [again] = await bench.claim()
    assert (again.delivery, again.number) == (second, 1)


async def test_events_that_came_in_before_a_restart_and_after_it_are_claimed_alike(bench: Bench) -> None:
    await bench.add("a", "one", "two", subject="a", body=b'{"a":1}')
    await bench.restart()
    await bench.add("b", "one", "two", subject="b", body=b'{"b":2}')
    for endpoint in ("one", "two"):
        claims = await bench.claim(endpoint=endpoint)
        assert [(c.event.id, c.event.body) for c in claims] == [("a", b'{"a":1}'), ("b", b'{"b":2}')]
