"""What every outbox engine promises, fifth part: the log, the counters, what is forgotten, and how much fits.

Law: as in test_outbox.py.
"""

from collections.abc import Sequence

import pytest
from engines import HOOK, HOUR, SECOND, Bench, every_engine

from sidecar.errors import Unavailable
from sidecar.model import FAR, Accepted, Counts, Dead, Delivered, Owed, Query, RetryAt

bench = every_engine

KIB = 2**10

# The log


async def test_a_delivery_tells_all_that_is_known_of_it(bench: Bench) -> None:
    number = await bench.add("a")
    created = bench.now
    bench.later(SECOND)
    claim = await bench.one()
    await bench.settle(claim, RetryAt(bench.now + HOUR))
    row = await bench.log(number)
    assert (row.id, row.endpoint, row.event, row.dialect) == (number, HOOK, "a", "drone")
    assert (row.name, row.subject) == ("build:created", claim.event.subject)
    assert (row.state, row.attempts, row.tries, row.status) == ("pending", 1, 1, 500)
    assert (row.created_at, row.due, row.finished_at) == (created, bench.now + HOUR, 0)
    assert await bench.outbox.delivery(number + 1000) is None
    assert await bench.outbox.deliveries(Query()) == [row]


async def several(bench: Bench) -> tuple[int, int, int, int]:
    """One delivered, one dead, one pending, and for `other` one in flight: numbers in that order."""
    numbers = []
    for name, verdict in (("a", Delivered()), ("b", Dead("refused")), ("c", RetryAt(bench.now + HOUR))):
        numbers.append(await bench.add(name, subject=f"subject-{name}"))
        await bench.settle(await bench.one(), verdict)
        bench.later(HOUR)
    last = await bench.add("d", "other", subject="subject-d")
    await bench.one("other")
    return numbers[0], numbers[1], numbers[2], last


async def test_the_log_is_newest_first_and_read_page_by_page(bench: Bench) -> None:
    numbers = [await bench.add(f"e{number}", subject=f"s{number}") for number in range(10)]
    assert await bench.listed() == numbers[::-1]
    assert await bench.listed(Query(limit=4)) == numbers[:5:-1]
    assert await bench.listed(Query(limit=4, after=numbers[6])) == numbers[5:1:-1]
    assert await bench.listed(Query(limit=4, after=numbers[2])) == numbers[1::-1]
    assert await bench.listed(Query(after=numbers[0])) == []


async def test_the_log_is_filtered_by_what_a_delivery_is(bench: Bench) -> None:
    done, dead, pending, busy = await several(bench)
    assert await bench.listed(Query(endpoint="other")) == [busy]
    assert await bench.listed(Query(endpoint="stranger")) == []
    assert await bench.listed(Query(event="b")) == [dead]
    assert await bench.listed(Query(event="z")) == []
    assert await bench.listed(Query(subject="subject-c")) == [pending]
    assert await bench.listed(Query(subject="subject")) == []
    assert await bench.listed(Query(state="delivered")) == [done]
    assert await bench.listed(Query(state="dead")) == [dead]
    assert await bench.listed(Query(endpoint=HOOK, state="dead", subject="subject-a")) == []
    assert await bench.listed(Query(endpoint=HOOK, limit=1, after=pending)) == [dead]


async def test_the_log_is_filtered_by_the_time_of_acceptance(bench: Bench) -> None:
    start = bench.now
    done, dead, pending, busy = await several(bench)
    half = HOUR // 2
    assert await bench.listed(Query(since=start + half)) == [busy, pending, dead]
    assert await bench.listed(Query(until=start + half)) == [done]
    assert await bench.listed(Query(since=start + half, until=start + HOUR + half)) == [dead]
    assert await bench.listed(Query(since=start + half, until=start + 2 * HOUR + half, state="dead")) == [dead]
    assert await bench.listed(Query(since=start + 9 * HOUR)) == []


async def test_what_is_in_flight_is_delivering_and_not_pending(bench: Bench) -> None:
    """Who is in flight is the caller's to say; the state shown follows."""
    done, dead, pending, busy = await several(bench)
    flight = frozenset({busy})
    assert await bench.listed(Query(state="delivering", in_flight=flight)) == [busy]
    assert await bench.listed(Query(state="delivering")) == []
    assert await bench.listed(Query(state="pending", in_flight=flight)) == [pending]
    assert await bench.listed(Query(state="delivering", endpoint=HOOK, in_flight=flight)) == []
    rows = await bench.outbox.deliveries(Query(in_flight=flight))
    assert {row.id: row.state for row in rows} == {
        busy: "delivering",
        pending: "pending",
        dead: "dead",
        done: "delivered",
    }


async def test_every_filter_keeps_the_pages_right(bench: Bench) -> None:
    """A page is full while there is more, whatever the filter leaves out between."""
    for number in range(30):
        await bench.add(f"e{number}", "x" if number % 3 else "y", subject="s0" if number % 2 else f"s{number}")
    flight = frozenset(await bench.claimed(endpoint="x"))
    for query in (Query(endpoint="y"), Query(subject="s0"), Query(state="pending"), Query(state="delivering")):
        asked = Query(query.endpoint, query.state, subject=query.subject, in_flight=flight)
        whole = await bench.listed(asked)
        paged: list[int] = []
        while page := await bench.listed(
            Query(
                query.endpoint,
                query.state,
                subject=query.subject,
                limit=4,
                after=paged[-1] if paged else 0,
                in_flight=flight,
            )
        ):
            assert len(page) == min(4, len(whole) - len(paged))
            paged += page
        assert paged == whole


async def test_events_accepted_a_little_out_of_turn_are_found_by_their_own_time(bench: Bench) -> None:
    """Two that came in at the same moment may be numbered the other way round."""
    late = bench.posting("late", HOOK, subject="late")
    bench.later(-SECOND)
    early = bench.posting("early", HOOK, subject="early")
    await bench.outbox.add([late, early])
    [second, first] = await bench.listed()
    moment = late.event.accepted_at
    assert await bench.listed(Query(since=moment)) == [first]
    assert await bench.listed(Query(until=moment)) == [second]
    assert await bench.listed(Query(since=early.event.accepted_at, until=moment + 1)) == [second, first]


async def test_in_a_long_log_the_few_are_found_among_the_many(bench: Bench) -> None:
    """By endpoint, by subject, by both, over a restart, and when much of it is forgotten."""
    for start in range(0, 1200, 100):
        names = [(f"e{n}", "rare" if n % 150 == 7 else "often", f"s{n % 40}") for n in range(start, start + 100)]
        await bench.outbox.add([bench.posting(name, to, subject=about) for name, to, about in names])
    rows = await bench.outbox.deliveries(Query(limit=2000))
    wanted = {row.id for row in rows if row.endpoint == "rare"}, {row.id for row in rows if row.subject == "s7"}

    async def check() -> None:
        assert await bench.listed(Query(endpoint="rare", limit=2000)) == sorted(wanted[0], reverse=True)
        assert await bench.listed(Query(subject="s7", limit=2000)) == sorted(wanted[1], reverse=True)
        both = sorted(wanted[0] & wanted[1], reverse=True)
        assert await bench.listed(Query(endpoint="rare", subject="s7")) == both
        assert await bench.listed(Query(endpoint="rare", subject="s7", limit=1, after=both[0])) == both[1:2]

    await check()
    await bench.crash()
    await check()
    for _ in range(700):
        claim = (await bench.claim(1, "often"))[0]
        await bench.settle(claim, Delivered())
        wanted[1].discard(claim.delivery)
    await bench.outbox.prune(bench.now + 1, 1000)
    await check()


# Counters


async def test_the_counters_follow_every_change(bench: Bench) -> None:
    start = bench.now
    for name in "abc":
        await bench.add(name, HOOK, "other", subject=name)
        bench.later(SECOND)
    assert await bench.outbox.counts() == {HOOK: Counts(3, 0, 0, start), "other": Counts(3, 0, 0, start)}
    first, second, _ = await bench.claim()
    await bench.settle(first, Delivered())
    await bench.settle(second, Dead("refused"))
    assert (await bench.outbox.counts())[HOOK] == Counts(1, 1, 1, start + 2 * SECOND)
    await bench.crash()
    assert (await bench.outbox.counts())[HOOK] == Counts(1, 1, 1, start + 2 * SECOND)
    await bench.outbox.resend(second.delivery, bench.now)
    await bench.outbox.expire(HOOK, start + 3 * SECOND, bench.now, 100)
    assert (await bench.outbox.counts())[HOOK] == Counts(1, 1, 1, bench.now)
    assert (await bench.outbox.counts())["other"] == Counts(3, 0, 0, start)


async def test_an_endpoint_once_seen_is_counted_for_good(bench: Bench) -> None:
    await bench.add("a")
    await bench.deliver()
    assert await bench.outbox.prune(bench.now + 1, 100) == 1
    await bench.crash()
    assert await bench.outbox.counts() == {HOOK: Counts()}


# Forgetting


async def test_what_finished_long_ago_is_forgotten_oldest_first(bench: Bench) -> None:
    """By when it was finished, not by when it was accepted; event, deliveries and attempts together."""
    numbers = await bench.spread("abcd")
    claims = {claim.event.id: claim for claim in await bench.claim()}
    for name in "cabd":
        await bench.settle(claims[name], Delivered())
        bench.later(HOUR)
    gone_before = bench.now - HOUR
    forgotten = []
    for _ in range(4):
        before = set(await bench.listed())
        forgotten.append(await bench.outbox.prune(gone_before, 1))
        forgotten += sorted(before - set(await bench.listed()))
    a, b, c, d = numbers
    assert forgotten == [1, c, 1, a, 1, b, 0]
    assert await bench.outbox.delivery(c) is None
    assert await bench.outbox.attempts(c) == []
    assert await bench.outbox.event("c") is None
    assert (await bench.log(d)).state == "delivered"


async def test_what_owes_something_is_never_forgotten(bench: Bench) -> None:
    """As long as one of its deliveries is pending, all of it stays."""
    [added] = await bench.outbox.add([bench.posting("a", "x", "y")])
    assert isinstance(added, Accepted)
    await bench.deliver("x")
    bench.later(HOUR)
    assert await bench.outbox.prune(FAR, 100) == 0
    assert len(await bench.listed()) == 2
    await bench.kill("y")
    assert await bench.outbox.prune(bench.now, 100) == 0
    assert await bench.outbox.prune(bench.now + 1, 100) == 1
    assert await bench.listed() == []


async def test_an_event_nobody_wanted_is_forgotten_in_time(bench: Bench) -> None:
    await bench.add("a", subject="a")
    await bench.deliver()
    await bench.outbox.add([bench.posting("unwanted")])
    assert await bench.outbox.prune(bench.now, 100) == 0
    bench.later(SECOND)
    assert await bench.outbox.prune(bench.now, 100) == 2
    assert await bench.outbox.event("unwanted") is None


async def test_the_id_of_a_forgotten_event_is_free_again(bench: Bench) -> None:
    """Even with another body; its delivery has a new number."""
    old = await bench.add("a", body=b"one")
    await bench.deliver()
    await bench.outbox.prune(bench.now + 1, 100)
    new = await bench.add("a", body=b"two")
    assert new > old
    assert (await bench.one()).event.body == b"two"


async def test_delivery_numbers_never_come_back(bench: Bench) -> None:
    """Not even when all is forgotten, and the process starts anew."""
    last = 0
    for name in "abc":
        number = await bench.add(name)
        assert number > last
        last = number
        await bench.deliver()
        await bench.outbox.prune(bench.now + 1, 100)
        assert await bench.listed() == []
        await bench.crash()


# How much fits


async def fill(bench: Bench, size: int = KIB) -> list[int]:
    """Add events of one subject each until there is no more room; their delivery numbers."""
    numbers: list[int] = []
    while len(numbers) < 2000:
        name = f"fill-{bench.now}-{size}-{len(numbers)}"
        try:
            numbers.append(await bench.add(name, subject=name, body=bytes(size)))
        except Unavailable:
            return numbers
    pytest.fail("it never was full")


async def test_more_is_refused_when_more_is_owed_than_it_may_hold(bench: Bench) -> None:
    """With nothing of the call stored, and a word why it takes none; a restart does not change it."""
    await bench.restart(max_size=64 * KIB)
    assert bench.outbox.ready() == ""
    numbers = await fill(bench)
    assert 32 <= len(numbers) <= 65
    numbers += await fill(bench, size=1)
    assert bench.outbox.ready() != ""
    with pytest.raises(Unavailable) as refused:
        await bench.outbox.add([bench.posting(name, HOOK, body=bytes(KIB)) for name in "abc"])
    assert refused.value.status == 503
    assert await bench.outbox.event("a") is None
    assert await bench.listed(Query(limit=10_000)) == numbers[::-1]
    await bench.crash()
    with pytest.raises(Unavailable):
        await bench.outbox.add([bench.posting("a", HOOK, body=bytes(KIB))])


async def test_only_what_is_owed_counts(bench: Bench) -> None:
    """What is finished makes room, long before it is forgotten."""
    await bench.restart(max_size=64 * KIB)
    for verdict in (Delivered(), Dead("refused")):
        numbers = await fill(bench)
        assert len(numbers) >= 32
        for claim in await bench.claim():
            await bench.settle(claim, verdict)
        assert bench.outbox.ready() == ""
        bench.later(HOUR)
    numbers = await fill(bench)
    bench.later(HOUR)
    await bench.outbox.expire(HOOK, bench.now, bench.now, 1000)
    assert bench.outbox.ready() == ""
    await bench.add("fits")


async def test_a_duplicate_is_answered_though_nothing_more_fits(bench: Bench) -> None:
    """A client that did not hear the first answer is told what came of it."""
    await bench.restart(max_size=64 * KIB)
    body = bytes(2 * KIB)
    number = await bench.add("a", body=body)
    await fill(bench)
    again = await bench.outbox.add([bench.posting("a", HOOK, body=body)])
    assert again == [Accepted("a", duplicate=True, deliveries=(Owed(number, HOOK),))]


async def test_a_resent_one_is_owed_and_counts(bench: Bench) -> None:
    await bench.restart(max_size=64 * KIB)
    numbers = await fill(bench)
    for claim in await bench.claim():
        await bench.settle(claim, Dead("refused"))
    for number in numbers:
        assert await bench.outbox.resend(number, bench.now)
    with pytest.raises(Unavailable):
        await bench.add("too-much", body=bytes(2 * KIB))


async def finish(bench: Bench, count: int, size: int) -> Sequence[int]:
    """Events that came and went, one after another."""
    numbers = []
    for index in range(count):
        numbers.append(await bench.add(f"e{index}", body=bytes(size)))
        await bench.deliver()
        bench.later(1)
    return numbers


async def test_the_oldest_finished_go_early_where_room_is_short(bench: Bench) -> None:
    """Above 80 % of its size the outbox forgets before the time, and stops as soon as it is below."""
    await bench.restart(max_size=512 * KIB)
    numbers = await finish(bench, 100, 8 * KIB)
    assert 0 < await bench.outbox.prune(0, 10) <= 10
    while await bench.outbox.prune(0, 10):
        pass
    kept = await bench.listed(Query(limit=1000))
    assert kept == list(numbers[: -len(kept) - 1 : -1])
    assert 10 <= len(kept) <= 52


async def test_nothing_goes_early_while_there_is_room(bench: Bench) -> None:
    await bench.restart(max_size=4096 * KIB)
    await finish(bench, 20, 8 * KIB)
    assert await bench.outbox.prune(0, 100) == 0


async def test_what_is_forgotten_gives_its_space_back(bench: Bench) -> None:
    def footprint() -> int:
        return sum(file.stat().st_size for file in bench.directory.rglob("*") if file.is_file())

    await finish(bench, 50, 32 * KIB)
    await bench.restart()
    full = footprint()
    while await bench.outbox.prune(bench.now + 1, 10):
        pass
    await bench.restart()
    assert footprint() <= full // 2
