"""The power goes at any moment: what was answered is there, what was not is there whole or not at all.

Law: seeded rounds on a disk that forgets what was not synced; what comes after the power is gone is answered by an
error, so everything that ever returned is a promise. Time is a number.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from faulty_vfs import EVER, MODES, Disk, Mode, faulty_disk, let_go
from sqlite_rig import HOLD, KIB, NOON, SECOND, check_file, running, settlement

from sidecar.errors import OutboxBroken
from sidecar.model import (
    FAR,
    Accepted,
    Claim,
    Dead,
    Delivered,
    Event,
    Owed,
    Posting,
    Query,
    RetryAt,
    Verdict,
    fingerprint,
)
from sidecar.ports import Outbox

ENDPOINTS = ("x", "y")
VERDICTS: list[Verdict] = [Delivered(), Delivered(), Dead("refused"), RetryAt(NOON), RetryAt(NOON + SECOND)]
STATES = {Delivered: "delivered", Dead: "dead", RetryAt: "pending"}


def wanted(name: str, dice: random.Random, size: int) -> Posting:
    body = name.encode() * (size // len(name))
    endpoints = tuple(endpoint for endpoint in ENDPOINTS if dice.random() < 0.7)
    return Posting(Event(name, "drone", "build:created", f"s{name[-1]}", body, fingerprint(body), NOON), endpoints)


@dataclass
class Life:
    """What one process did until the power went: what it was promised, and what it asked for without an answer."""

    dice: random.Random
    size: int
    promised: dict[str, tuple[Posting, tuple[Owed, ...]]] = field(default_factory=dict)
    asked: list[list[Posting]] = field(default_factory=list)
    claimed: list[Claim] = field(default_factory=list)
    settled: dict[int, list[Verdict]] = field(default_factory=dict)
    settling: dict[int, Verdict] = field(default_factory=dict)
    forgetting: bool = False
    names: int = 0
    began: int = 0

    async def work(self, outbox: Outbox, steps: int) -> None:
        for _ in range(steps):
            moves = [self.dice.choice(self.moves)(self, outbox) for _ in range(self.dice.randint(1, 5))]
            ends = await asyncio.gather(*moves, return_exceptions=True)
            for error in sorted(filter(None, ends), key=lambda error: isinstance(error, OutboxBroken)):
                raise error

    async def add(self, outbox: Outbox) -> None:
        self.names += 3
        postings = [wanted(f"e{self.names - n}", self.dice, self.size) for n in range(self.dice.randint(1, 3))]
        self.asked.append(postings)
        answers = await outbox.add(postings)
        self.asked.remove(postings)
        for one, answer in zip(postings, answers, strict=True):
            assert isinstance(answer, Accepted)
            self.promised[one.event.id] = (one, answer.deliveries)

    async def claim(self, outbox: Outbox) -> None:
        self.claimed += (await outbox.claim(self.dice.choice(ENDPOINTS), self.dice.randint(1, 5), NOON, 0)).claims

    async def settle(self, outbox: Outbox) -> None:
        if not self.claimed:
            return
        claim = self.claimed.pop(self.dice.randrange(len(self.claimed)))
        verdict = self.dice.choice(VERDICTS)
        self.settling[claim.delivery] = verdict
        await outbox.settle(settlement(claim, verdict))
        self.settled.setdefault(claim.delivery, []).append(self.settling.pop(claim.delivery))

    async def forget(self, outbox: Outbox) -> None:
        """Prune all that is finished: from here on, it may be gone."""
        self.forgetting = True
        await outbox.prune(FAR, 3)

    moves = (add, add, add, claim, claim, settle, settle, settle, settle, forget)

    # What must hold afterwards

    async def check(self, outbox: Outbox) -> None:
        for one, deliveries in self.promised.values():
            if await outbox.event(one.event.id) is None:
                assert self.forgetting, f"{one.event.id} was accepted and is lost"
                assert all(self.over(owed.id) for owed in deliveries), f"{one.event.id} was owed and is lost"
                assert [await outbox.delivery(owed.id) for owed in deliveries] == [None] * len(deliveries)
            else:
                assert await outbox.event(one.event.id) == one.event
                assert await self.owed(outbox, one) == [(owed.id, owed.endpoint) for owed in deliveries]
                for owed in deliveries:
                    await self.check_delivery(outbox, owed.id)
        for postings in self.asked:
            there = [await outbox.event(one.event.id) for one in postings]
            assert there in ([None] * len(postings), [one.event for one in postings]), "a call is half there"
            for one in postings:
                names = [name for _, name in await self.owed(outbox, one)]
                assert names == (list(one.endpoints) if there[0] else []), "an event is half there"

    def over(self, delivery: int) -> bool:
        last = [*self.settled.get(delivery, []), self.settling.get(delivery, RetryAt(0))]
        return any(not isinstance(verdict, RetryAt) for verdict in last)

    async def owed(self, outbox: Outbox, one: Posting) -> list[tuple[int, str]]:
        rows = await outbox.deliveries(Query(event=one.event.id))
        return [(row.id, row.endpoint) for row in reversed(rows)]

    async def check_delivery(self, outbox: Outbox, delivery: int) -> None:
        """Every verdict that was answered is there with its attempt, the one that was not with its attempt or not."""
        row = await outbox.delivery(delivery)
        assert row is not None
        verdicts = list(self.settled.get(delivery, []))
        attempts = await outbox.attempts(delivery)
        assert [attempt.number for attempt in attempts] == list(range(1, row.attempts + 1))
        if row.attempts > len(verdicts):
            verdicts.append(self.settling[delivery])
        assert row.attempts == len(verdicts), "a verdict that was answered is lost"
        assert row.state == (STATES[type(verdicts[-1])] if verdicts else "pending")


async def check_books(outbox: Outbox) -> None:
    """Counters are what the log shows; all that is pending is given out again, under the next number."""
    rows = await outbox.deliveries(Query(limit=10**6))
    for name, counts in (await outbox.counts()).items():
        shown = [sum(row.state == state for row in rows if row.endpoint == name) for state in STATES.values()]
        assert [counts.delivered, counts.dead, counts.pending] == shown
    pending = {row.id: row.attempts + 1 for row in rows if row.state == "pending"}
    late, flow = NOON + 10 * HOLD, 10 * HOLD
    for name in ENDPOINTS:
        while claims := (await outbox.claim(name, 100, late, flow)).claims:
            for claim in claims:
                assert claim.number == pending.pop(claim.delivery)
                await outbox.settle(settlement(claim, Delivered(), at=late, flow=flow))
    assert pending == {}


async def whole_life(tmp_path: Path, seed: int, steps: int, size: int) -> range:
    """The changes it makes on the disk, from the moment the outbox is open."""
    life = Life(random.Random(seed), size)
    with faulty_disk() as disk:
        await live(tmp_path / "whole", disk, life, steps)
        return range(life.began, disk.changes + 1)


async def live(directory: Path, disk: Disk, life: Life, steps: int) -> None:
    """Open, work, stop in order."""
    async with running(directory, disk.name) as outbox:
        life.began = disk.changes
        await life.work(outbox, steps)


async def die(tmp_path: Path, mode: Mode, *, seed: int, steps: int, size: int, when: Callable[[range], int]) -> None:
    """A life, cut off; and what is found after it."""
    life = Life(random.Random(seed), size)
    remains = tmp_path / "remains"
    with faulty_disk() as disk:
        disk.ends_after = when(await whole_life(tmp_path, seed, steps, size))
        try:
            await live(tmp_path / "outbox", disk, life, steps)
        except OutboxBroken as error:
            let_go(error)
            assert disk.refused
        disk.power_loss(remains, seed, mode)
    async with running(remains) as outbox:
        await life.check(outbox)
        await check_books(outbox)
    check_file(remains)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(14))
async def test_nothing_answered_is_lost_and_nothing_is_half_there(tmp_path: Path, seed: int, mode: Mode) -> None:
    """Cut off anywhere, up to the last write of an orderly stop."""
    dice = random.Random(f"{seed} {mode}")
    await die(tmp_path, mode, seed=seed, steps=12, size=KIB, when=dice.choice)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(3))
async def test_a_power_loss_while_the_log_is_folded_in_loses_nothing(tmp_path: Path, seed: int, mode: Mode) -> None:
    """Large bodies bring checkpoints, on the way and at the stop."""
    dice = random.Random(f"{seed} {mode}")
    await die(
        tmp_path, mode, seed=seed, steps=20, size=256 * KIB, when=lambda life: dice.choice(life[len(life) // 2 :])
    )


@pytest.mark.parametrize("mode", MODES)
async def test_a_power_loss_at_any_step_of_the_first_start_leaves_an_outbox(tmp_path: Path, mode: Mode) -> None:
    """It opens, and is empty."""
    first = await whole_life(tmp_path, 0, 0, KIB)
    for step in range(first.start + 1):
        life = Life(random.Random(step), KIB)
        with faulty_disk() as disk:
            disk.ends_after = step
            try:
                await live(tmp_path / f"start-{step}", disk, life, 0)
            except OutboxBroken as error:
                let_go(error)
                assert disk.refused
            disk.power_loss(tmp_path / f"remains-{step}", step, mode)
        async with running(tmp_path / f"remains-{step}") as outbox:
            assert await outbox.deliveries(Query()) == []
            await life.add(outbox)


async def test_the_disk_that_keeps_its_power_loses_nothing(tmp_path: Path) -> None:
    """The disk of these tests forgets only what was not synced."""
    life = Life(random.Random(1), KIB)
    with faulty_disk() as disk:
        await live(tmp_path / "outbox", disk, life, 20)
        assert disk.ends_after == EVER
        assert disk.refused == 0
        disk.power_loss(tmp_path / "remains", 1, "torn")
    async with running(tmp_path / "remains") as outbox:
        await life.check(outbox)
    assert life.promised
