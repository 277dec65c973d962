"""What every outbox engine promises, once more: whatever is done in whatever order, engine and model agree.

Law: as in test_outbox.py. The model (outbox_model.py) is the promise; a run is the same every time, but for a long one:
MODEL_EXAMPLES says how many walks it takes, and each such run takes others.
"""

import asyncio
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
from engines import ENGINES, HOUR, Bench, Engine, Options
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace
from outbox_model import Model, Promise

from sidecar import breaker
from sidecar.errors import Unavailable
from sidecar.model import (
    Claim,
    Dead,
    Delivered,
    DeliveryLog,
    Health,
    Posting,
    Query,
    RetryAt,
    Settlement,
    Sign,
    Unreachable,
    Verdict,
)

LONG = int(os.environ.get("MODEL_EXAMPLES", "0"))
"""Walks of a long run; 0 for the short one."""

HOLD = 10_000
SMALL, LARGE = 100, 2**30
ENDPOINTS = ("x", "y")
SUBJECTS = ("s", "s", "s", "t")
ALL = Query(limit=100_000)
RESET = Unreachable("reset", "the connection was closed", 0, b"half an ans")

number = st.integers(0, 40)
"""Which of those there are; taken modulo how many that is."""

endpoint = st.sampled_from(("x", "x", "x", "y"))
wait = st.sampled_from((0, 1, HOLD // 2, HOLD, HOUR, HOUR))
span = st.sampled_from((1, HOLD // 2, HOLD - 1, HOLD, HOLD, HOUR, 24 * HOUR))
age = st.sampled_from((0, 1, HOLD, HOUR))
wish = st.tuples(
    st.none() | st.none() | st.integers(1, 8),  # a new event, or one that may be known
    st.sampled_from((("x",), ("x",), ("x", "y"), ("y", "x"), ())),
    st.sampled_from(SUBJECTS),
    st.sampled_from((False, False, False, True)),
)


class Machine(RuleBasedStateMachine):
    """An engine and the model, side by side."""

    engine: ClassVar[Engine]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.bench = Bench(self.engine, Path(self.folder.name, "outbox"))
        self.flight: dict[int, Claim] = {}
        self.standing: set[str] = set()
        self.lost: list[Claim] = []
        self.healths = {name: Health() for name in ENDPOINTS}
        self.names = 0

    @initialize(
        order=st.sampled_from(("subject", "subject", "subject", "none")),
        max_size=st.sampled_from((LARGE, LARGE, SMALL)),
        watched=st.booleans(),
        midway=st.booleans(),
    )
    def start(self, order: str, max_size: int, *, watched: bool, midway: bool) -> None:
        """`watched`: a look after every step; else only a claim tells the engine that time has gone on. `midway`: one
        of a subject is through, one has failed, one waits."""
        self.watched = watched
        self.model = Model(HOLD if order == "subject" else 0, order == "subject", max_size)
        self.bench.options = Options(order, HOLD, max_size)
        self.bench.directory.mkdir()
        self.runner.run(self.bench.open())
        if midway:
            self.add([(None, ("x",), "s", False)])
            self.attempt("x", 1, 0, won=True)
            self.add([(None, ("x",), "s", False)] * 2)
            self.attempt("x", 1, HOUR, won=False)

    def teardown(self) -> None:
        if hasattr(self.bench, "outbox"):
            self.runner.run(self.check_depths())
            self.runner.run(self.bench.outbox.close())
        self.runner.close()
        self.folder.cleanup()

    # -- events come in ----------------------------------------------------------------------------------------------

    @rule(wishes=st.lists(wish, min_size=1, max_size=3))
    def add(self, wishes: list[tuple[int | None, tuple[str, ...], str, bool]]) -> None:
        postings, before = [self.posting(*wish) for wish in wishes], self.model.last
        may, must = self.model.may_refuse(postings)
        self.bench.woken.clear()
        try:
            answers = self.runner.run(self.bench.outbox.add(postings))
        except Unavailable:
            assert may
            return
        assert not must
        for posting, answer in zip(postings, answers, strict=True):
            self.model.add(posting, answer)
        handed = {claim.delivery for claim in self.bench.handed}
        for claim in self.bench.handed:
            assert claim.endpoint in self.standing
            self.fly(claim, self.model.hand(claim.delivery, before))
        self.bench.handed.clear()
        new = [one for one in self.model.promises.values() if one.id > before]
        assert all(one.id in handed or one.endpoint in self.bench.woken for one in new), "nobody is told of it"

    def fly(self, claim: Claim, one: Promise) -> None:
        assert (claim.delivery, claim.endpoint, claim.event) == (one.id, one.endpoint, one.event)
        assert (claim.number, claim.tries, claim.owed_since) == (len(one.attempts) + 1, one.tries, one.owed_since)
        self.flight[claim.delivery] = claim

    def posting(self, known: int | None, endpoints: tuple[str, ...], subject: str, other: bool) -> Posting:
        self.names += known is None
        name = self.names if known is None else known
        body = bytes(7 + name % 5 * 6) + (b"!" if other else b"")
        return self.bench.posting(f"e{name}", *endpoints, subject=subject, body=body)

    # -- attempts ----------------------------------------------------------------------------------------------------

    @rule(endpoint=endpoint, limit=st.integers(1, 4), standing=st.booleans())
    def claim(self, endpoint: str, limit: int, *, standing: bool) -> None:
        self.runner.run(self.take(endpoint, limit, standing=standing))

    def flow(self, endpoint: str) -> int:
        return self.healths[endpoint].flow_at(self.bench.now)

    async def take(self, endpoint: str, limit: int, *, standing: bool = False) -> list[int]:
        now, flow = self.bench.now, self.flow(endpoint)
        seen = await self.bench.outbox.claim(endpoint, limit, now, flow, standing=standing)
        self.standing = self.standing | {endpoint} if standing else self.standing - {endpoint}
        expected, next_due, hold_until = self.model.claim(endpoint, limit, now, flow)
        assert [claim.delivery for claim in seen.claims] == [one.id for one in expected]
        for claim, one in zip(seen.claims, expected, strict=True):
            self.fly(claim, one)
        if len(expected) < limit:
            assert (seen.next_due, seen.hold_until) == (next_due, hold_until)
        else:
            assert seen.next_due <= next_due  # there may be more, or not
        return [one.id for one in expected]

    def settlement(self, claim: Claim, verdict: Verdict, *, fault: bool, broken: bool) -> Settlement:
        """`broken`: the endpoint's health goes with it, as the verdict changes it."""
        outcome = RESET if broken and isinstance(verdict, RetryAt) else None
        self.bench.flow = self.flow(claim.endpoint)
        sign: Sign = "fault" if fault else "alive" if isinstance(verdict, RetryAt | Dead) else "won"
        health = self.changed(claim.endpoint, lambda it, now: breaker.after(it, sign, now=now, limit=4))
        return self.bench.settlement(claim, verdict, outcome=outcome, fault=fault, health=health if broken else None)

    def settle(self, pick: int, verdict: Verdict, *, fault: bool = False, broken: bool = False) -> None:
        claim = self.flight.pop(sorted(self.flight)[pick % len(self.flight)])
        settlement = self.settlement(claim, verdict, fault=fault, broken=broken)
        self.runner.run(self.bench.outbox.settle(settlement))
        self.model.settle(settlement)

    @precondition(lambda self: self.flight)
    @rule(pick=number, wait=wait, counted=st.booleans(), fault=st.booleans(), broken=st.booleans())
    def fail(self, pick: int, wait: int, *, counted: bool, fault: bool, broken: bool) -> None:
        self.settle(pick, RetryAt(self.bench.now + wait, counted=counted), fault=fault, broken=broken)

    @precondition(lambda self: self.flight)
    @rule(pick=number, broken=st.booleans())
    def deliver(self, pick: int, *, broken: bool) -> None:
        self.settle(pick, Delivered(), broken=broken)

    @precondition(lambda self: self.flight)
    @rule(pick=number, reason=st.sampled_from(("refused", "exhausted")))
    def kill(self, pick: int, reason: str) -> None:
        self.settle(pick, Dead(reason))

    @rule(endpoint=endpoint, span=span, wait=wait, won=st.booleans(), standing=st.booleans())
    def attempt(self, endpoint: str, span: int, wait: int, *, won: bool, standing: bool = False) -> None:
        """What is due is claimed, time passes, the verdicts fall: what a dispatcher does all day."""
        for one in self.runner.run(self.take(endpoint, 4, standing=standing)):
            self.bench.later(span)
            verdict = Delivered() if won else RetryAt(self.bench.now + wait)
            self.settle(sorted(self.flight).index(one), verdict)

    @precondition(lambda self: self.lost)
    @rule(pick=number, verdict=st.sampled_from((Delivered(), Dead("refused"), RetryAt(0))))
    def come_too_late(self, pick: int, verdict: Verdict) -> None:
        """The verdict on a claim that has ended changes nothing."""
        claim = self.lost.pop(pick % len(self.lost))
        if claim.delivery not in self.flight:
            late = self.settlement(claim, verdict, fault=True, broken=True)
            self.runner.run(self.bench.outbox.settle(late))
            self.model.settle(late)

    @precondition(lambda self: self.flight)
    @rule(picks=st.lists(number, min_size=1, max_size=3))
    def abandon(self, picks: list[int]) -> None:
        flight = sorted(self.flight)
        numbers = {flight[pick % len(flight)] for pick in picks}
        self.lost += self.runner.run(self.give_back(sorted(numbers)))

    async def give_back(self, numbers: list[int]) -> list[Claim]:
        await self.bench.outbox.abandon(numbers)
        self.model.abandon(numbers)
        self.standing -= {self.flight[number].endpoint for number in numbers}
        return [self.flight.pop(number) for number in numbers]

    # -- what befalls it ---------------------------------------------------------------------------------------------

    @rule(clean=st.booleans())
    def begin_anew(self, *, clean: bool) -> None:
        self.runner.run(self.bench.restart() if clean else self.bench.crash())
        self.model.crash()
        self.lost += self.flight.values()
        self.flight.clear()
        self.standing.clear()
        self.runner.run(self.check_depths())
        self.healths = {name: Health() for name in ENDPOINTS} | dict(self.runner.run(self.bench.outbox.health()))

    @rule(span=span)
    def later(self, span: int) -> None:
        self.bench.later(span)

    def changed(self, endpoint: str, change: Callable[[Health, int], Health]) -> Health:
        """The endpoint's health, as a dispatcher keeps it in memory, with a version of its own."""
        before = self.healths[endpoint]
        after = replace(change(before, self.bench.now), version=before.version + 1)
        self.healths[endpoint] = after
        return after

    def save(self, endpoint: str, change: Callable[[Health, int], Health]) -> None:
        self.keep(endpoint, self.changed(endpoint, change))

    def keep(self, endpoint: str, health: Health) -> None:
        self.runner.run(self.bench.outbox.save_health(endpoint, health))
        self.model.keep(endpoint, health)

    @rule(endpoint=endpoint)
    def pause(self, endpoint: str) -> None:
        """Its flow clock stands still, and with it every hold."""
        self.save(endpoint, lambda it, now: breaker.pause(it, now=now, reason="by hand"))

    @rule(endpoint=endpoint)
    def resume(self, endpoint: str) -> None:
        self.save(endpoint, lambda it, now: breaker.resume(it, now=now))

    @rule(endpoint=endpoint, late=st.booleans())
    def save_out_of_order(self, endpoint: str, late: bool) -> None:
        """A verdict waited for room, and a change by hand overtook it."""
        earlier = self.changed(endpoint, lambda it, _: replace(it, failures=it.failures + 1))
        later = self.changed(endpoint, lambda it, now: replace(it, last_failure=now))
        for health in (later, earlier) if late else (earlier, later):
            self.keep(endpoint, health)

    # -- from outside ------------------------------------------------------------------------------------------------

    @rule(endpoint=endpoint, limit=st.sampled_from((1, 2, 100)))
    def release(self, endpoint: str, limit: int) -> None:
        now = self.bench.now
        faulty = self.model.faulty(endpoint, now)
        count = self.runner.run(self.bench.outbox.release(endpoint, now, limit))
        released = {row.id for row in self.runner.run(self.rows()) if row.id in faulty and row.due == now}
        assert count == len(released) == min(limit, len(faulty))
        for one in released:
            self.model.promises[one].due = now

    @rule(pick=number)
    def resend(self, pick: int) -> None:
        one = pick % (self.model.last + 2)
        sent = self.runner.run(self.bench.outbox.resend(one, self.bench.now))
        assert sent is self.model.resend(one, self.bench.now)

    @rule(endpoint=endpoint, age=age, limit=st.sampled_from((1, 2, 100)))
    def expire(self, endpoint: str, age: int, limit: int) -> None:
        now = self.bench.now
        ended = self.runner.run(self.bench.outbox.expire(endpoint, now - age, now, limit))
        self.model.expire(endpoint, now - age, now, limit, ended)

    @rule(age=age, limit=st.sampled_from((len(SUBJECTS), 100)))
    def prune(self, age: int, limit: int) -> None:
        """The health is saved before it: by that an engine knows how far the flow clock is."""
        for endpoint in list(self.model.healths):
            self.save(endpoint, lambda it, _: it)
        before = self.bench.now - age
        count = self.runner.run(self.bench.outbox.prune(before, limit))
        gone = {id_ for id_ in self.model.events if self.runner.run(self.bench.outbox.event(id_)) is None}
        assert count == len(gone)
        self.model.forget(before, limit, gone, roomy=self.model.max_size == LARGE)
        self.model.forget_idle(self.bench.now)

    # -- they agree --------------------------------------------------------------------------------------------------

    @invariant()
    def they_agree(self) -> None:
        self.runner.run(self.check())

    async def check(self) -> None:
        outbox, model = self.bench.outbox, self.model
        assert await self.rows() == [shown(row) for row in model.rows()]
        assert await outbox.counts() == model.counts()
        assert await outbox.health() == model.healths
        assert bool(outbox.ready()) is (model.owed >= model.max_size)
        assert set(self.flight) == model.flying
        if self.watched:
            for endpoint in ENDPOINTS:
                await self.give_back(await self.take(endpoint, 100))
            assert model.kept_back(self.bench.now, {name: self.flow(name) for name in ENDPOINTS}) == []

    async def rows(self) -> list[DeliveryLog]:
        return [shown(row) for row in await self.bench.outbox.deliveries(replace(ALL, in_flight=self.model.flying))]

    async def check_depths(self) -> None:
        """What is too slow for every step: every attempt, every event."""
        for one in self.model.promises.values():
            assert list(await self.bench.outbox.attempts(one.id)) == one.attempts
        for id_, kept in self.model.events.items():
            assert await self.bench.outbox.event(id_) == kept.event


def shown(row: DeliveryLog) -> DeliveryLog:
    """What is finished is due no more, whatever is shown."""
    return row if row.state in ("pending", "delivering") else replace(row, due=0)


WALKS = settings(
    max_examples=LONG or 40,
    stateful_step_count=40,
    derandomize=not LONG,
    database=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(0 if LONG else 120)
@pytest.mark.parametrize("engine", ENGINES)
def test_engine_and_model_agree_whatever_happens(engine: str) -> None:
    run_state_machine_as_test(type("Machine", (Machine,), {"engine": ENGINES[engine]}), settings=WALKS)
