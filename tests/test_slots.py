"""A slot that comes free is used at once, and no longer than it may be. Law: as in test_dispatcher.py."""

import asyncio
from pathlib import Path

from simulation import Answer, Sent, endpoint, simulation

from sidecar.model import Outcome, Response


async def test_a_full_endpoint_stays_full_as_long_as_there_is_enough_to_do(tmp_path: Path) -> None:
    async with simulation(tmp_path, lambda _: it.take(100, Response(200)), endpoints=[endpoint(concurrency=3)]) as it:
        start = it.clock.now()
        await it.add(*[f"s{n}" for n in range(30)])
        await it.until(lambda: len(it.wire.good) == 30)
        assert it.wire.most == {"hook": 3}
        assert it.clock.now() - start == 10 * 100


async def test_once_it_is_paused_no_slot_is_used_again_and_nothing_is_lost(tmp_path: Path) -> None:
    async with simulation(tmp_path, lambda _: it.take(100, Response(200)), endpoints=[endpoint(concurrency=3)]) as it:
        await it.add(*[f"s{n % 5}" for n in range(30)])
        await it.until(lambda: len(it.wire.good) >= 6)
        await it.dispatcher.pause("hook")
        sent = len(it.wire.sent)
        await it.pass_(10_000)
        assert len(it.wire.sent) == sent
        assert it.dispatcher.in_flight() == frozenset()
        await it.dispatcher.resume("hook")
        await it.until(lambda: len(it.wire.good) == 30)
        assert len(it.wire.sent) == 30
        for subject in range(5):
            taken = [event for event in it.wire.to("hook") if event.startswith(f"s{subject}-")]
            assert taken == [f"s{subject}-{number}" for number in range(1, 7)]


async def test_a_slot_is_not_used_again_while_the_receiver_asks_for_time(tmp_path: Path) -> None:
    told = iter([Response(429, b"", "60")])

    def script(_: Sent) -> Answer:
        return it.take(100, next(told, Response(200)))

    async with simulation(tmp_path, script, endpoints=[endpoint(concurrency=2)]) as it:
        start = it.clock.now()
        await it.add(*[f"s{n}" for n in range(10)])
        await it.until(lambda: len(it.wire.good) == 10)
        assert [sent.at - start for sent in it.wire.sent if 100 < sent.at - start < 60_000] == []


async def test_what_comes_due_elsewhere_in_the_lane_is_not_overlooked_by_busy_slots(tmp_path: Path) -> None:
    """While one slot is always busy with a long queue, a retry of another repository is made when it is due."""
    failed = asyncio.Event()

    def script(sent: Sent) -> Answer:
        if sent.subject == "once" and not failed.is_set():
            failed.set()
            return Response(404)
        return it.take(100, Response(200))

    async with simulation(tmp_path, script, endpoints=[endpoint(concurrency=2)]) as it:
        start = it.clock.now()
        await it.add("once", *["long"] * 100)
        await it.until(lambda: "once-1" in it.wire.to("hook"))
        [again] = [sent.at - start for sent in it.wire.sent if (sent.subject, sent.attempt) == ("once", 2)]
        assert again == 5_000


async def test_what_failed_and_is_due_again_in_the_same_commit_may_be_the_next_of_another_slot(tmp_path: Path) -> None:
    together = asyncio.Event()

    async def script(sent: Sent) -> Outcome:
        if sent.attempt == 1:
            await together.wait()
        return Response(503 if (sent.subject, sent.attempt) == ("b", 1) else 200)

    async with simulation(tmp_path, script, endpoints=[endpoint(concurrency=2)]) as it:
        start = it.clock.now()
        await it.add("a", "b")
        await it.until(lambda: len(it.wire.sent) == 2)
        together.set()
        await asyncio.create_task(it.outbox.release("hook", start, 10))
        await it.until(lambda: it.wire.to("hook") == ["a-1", "b-1"])
        await it.pass_(1)
        assert it.dispatcher.in_flight() == frozenset()
        assert not it.task.done()
        assert [sent.event for sent in it.wire.sent] == ["a-1", "b-1", "b-1"]
