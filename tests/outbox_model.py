"""What an outbox does, told as plainly as it can be: lists, loops, and the one rule of order.

Law: the promise of `sidecar.ports.Outbox` as a program; nothing here is quick, stored, or shared with an engine.
Where the port leaves a choice (numbers, ties), the model is told what was chosen, and asks whether it may be.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sidecar.model import (
    FAR,
    Accepted,
    Added,
    Attempt,
    AttemptLog,
    Conflict,
    Counts,
    Dead,
    Delivered,
    DeliveryLog,
    Event,
    Health,
    Owed,
    Posting,
    Response,
    RetryAt,
    Settlement,
    State,
)


@dataclass
class Lane:
    """The deliveries of one subject to one endpoint. `hold_until` is told in flow time, as are the failures."""

    failing_since: int | None = None
    last_failure: int | None = None
    holder: int = 0
    hold_until: int = 0
    flying: int = 0

    def end_hold(self) -> None:
        self.holder = self.hold_until = 0


@dataclass
class Promise:
    """One delivery."""

    id: int
    endpoint: str
    event: Event
    lane: Lane
    due: int
    owed_since: int
    state: State = "pending"
    overtaken: bool = False
    fault: bool = False
    tries: int = 0
    finished_at: int = 0
    status: int = 0
    reason: str = ""
    attempts: list[AttemptLog] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Another of its subject that is earlier has failed, and holds it back."""
        return self.state == "pending" and not self.overtaken and 0 < self.lane.holder < self.id

    def row(self, first: "Promise | None") -> DeliveryLog:
        """`first`: of its lane, who goes next."""
        e, lane = self.event, self.lane
        state: State = "delivering" if lane.flying == self.id else self.state
        hold = (lane.holder, lane.hold_until) if self.held else (0, 0)
        behind = first.id if self.state == "pending" and first and first is not self else 0
        about = (self.id, self.endpoint, e.id, e.dialect, e.name, e.subject, state, len(self.attempts), self.tries)
        return DeliveryLog(*about, e.accepted_at, self.due, self.finished_at, self.reason, self.status, *hold, behind)


@dataclass
class Kept:
    """One event with what it owes."""

    event: Event
    promises: list[Promise]
    finished_at: int

    @property
    def open(self) -> bool:
        return any(one.state == "pending" for one in self.promises)


@dataclass
class Model:
    """`hold` in ms of flow, `ordered` by subject or not at all, `max_size` in bytes owed."""

    hold: int
    ordered: bool
    max_size: int
    events: dict[str, Kept] = field(default_factory=dict)
    promises: dict[int, Promise] = field(default_factory=dict)
    lanes: dict[tuple[str, str], Lane] = field(default_factory=dict)
    healths: dict[str, Health] = field(default_factory=dict)
    last: int = 0

    # -- events come in ----------------------------------------------------------------------------------------------

    @property
    def owed(self) -> int:
        return sum(len(kept.event.body) for kept in self.events.values() if kept.open)

    def may_refuse(self, postings: Sequence[Posting]) -> tuple[bool, bool]:
        """Whether the outbox may refuse these as too much, and whether it must. What comes twice in one call is owed
        once; to count it twice is allowed."""
        new = [(one.event.id, len(one.event.body)) for one in postings if one.endpoints]
        sizes = [(id_, size) for id_, size in new if id_ not in self.events]
        once: dict[str, int] = {}
        for id_, size in sizes:
            once.setdefault(id_, size)
        room = self.max_size - self.owed
        return bool(sizes) and sum(size for _, size in sizes) > room, bool(once) and sum(once.values()) > room

    def add(self, posting: Posting, answer: Added) -> None:
        """A known id adds nothing. What is new has numbers above all before it, and is due at once."""
        event, kept = posting.event, self.events.get(posting.event.id)
        if kept is not None:
            same = kept.event.fingerprint == event.fingerprint
            owed = tuple(Owed(one.id, one.endpoint) for one in kept.promises)
            assert answer == (Accepted(event.id, duplicate=True, deliveries=owed) if same else Conflict(event.id))
            return
        assert isinstance(answer, Accepted)
        assert not answer.duplicate
        assert tuple(owed.endpoint for owed in answer.deliveries) == posting.endpoints
        self.events[event.id] = Kept(event, [self._owe(event, owed) for owed in answer.deliveries], event.accepted_at)

    def _owe(self, event: Event, owed: Owed) -> Promise:
        assert owed.id > self.last
        self.last = owed.id
        self.healths.setdefault(owed.endpoint, Health())
        lane = self.lanes.setdefault((owed.endpoint, event.subject if self.ordered else str(owed.id)), Lane())
        one = Promise(owed.id, owed.endpoint, event, lane, event.accepted_at, event.accepted_at)
        self.promises[one.id] = one
        return one

    # -- the order ---------------------------------------------------------------------------------------------------

    def next_of(self, lane: Lane) -> Promise | None:
        """The one rule of order. The front, the oldest that has not been overtaken, goes unless it is held back; one
        that has been overtaken goes when its own time comes; of those the earliest due."""
        waiting = [one for one in self.promises.values() if one.lane is lane and one.state == "pending"]
        front = [one for one in waiting if not one.overtaken][:1]
        ready = [one for one in waiting if one.overtaken] + [one for one in front if not one.held]
        return min(ready, key=lambda one: (one.due, one.id), default=None)

    def claim(self, endpoint: str, limit: int, now: int, flow: int) -> tuple[list[Promise], int, int]:
        """What is taken, when the next is due, and when the next hold is over. Never two of a lane in flight."""
        lanes = [lane for (name, _), lane in self.lanes.items() if name == endpoint]
        free = [lane for lane in lanes if not lane.flying]
        for lane in free:
            if lane.holder and flow >= lane.hold_until:
                self._overtake(lane)
        heads = sorted(filter(None, map(self.next_of, free)), key=lambda one: (one.due, one.id))
        taken = [one for one in heads if one.due <= now][:limit]
        for one in taken:
            one.lane.flying = one.id
        next_due = min((one.due for one in heads[len(taken) :]), default=FAR)
        holds = [lane.hold_until for lane in lanes if lane.holder and lane.hold_until > flow]
        return taken, max(next_due, now), min(holds, default=FAR)

    def hand(self, number: int, owed_before: int) -> Promise:
        """A standing claim took it as it came in: `owed_before`, the last number before that call. Nothing else was
        owed there."""
        one = self.promises[number]
        pending = [it.id for it in self.promises.values() if it.endpoint == one.endpoint and it.state == "pending"]
        assert min(pending) > owed_before
        assert (one.lane.flying, self.next_of(one.lane)) == (0, one)
        one.lane.flying = one.id
        return one

    def _overtake(self, lane: Lane) -> None:
        """The hold is over: who held back is passed by what is later, and goes by its own schedule from now on."""
        self.promises[lane.holder].overtaken = True
        lane.end_hold()

    def kept_back(self, now: int, flows: Mapping[str, int]) -> list[int]:
        """What the contract forbids, asked without a word of holders: something never tried that is due, while its
        subject is idle, nothing of it can be claimed, and its last failure is a whole hold ago."""
        stuck = []
        for one in self.promises.values():
            lane, flow = one.lane, flows[one.endpoint]
            untried = one.state == "pending" and not one.attempts and one.due <= now
            if untried and not lane.flying and (lane.last_failure is None or flow >= lane.last_failure + self.hold):
                head = self.next_of(lane)
                if head is None or head.due > now:
                    stuck.append(one.id)
        return stuck

    # -- attempts end ------------------------------------------------------------------------------------------------

    def settle(self, s: Settlement) -> None:
        """What is not, or no longer, in flight is passed over."""
        one = self.promises.get(s.claim.delivery)
        if one is None or one.lane.flying != one.id:
            return
        one.lane.flying = 0
        log = attempt_log(s.attempt)
        one.attempts.append(log)
        one.status = log.status
        match s.verdict:
            case Delivered():
                self._end(one, "delivered", s.at, log.reason)
                one.lane.failing_since = None
                one.tries += 1
            case Dead(reason):
                self._end(one, "dead", s.at, reason)
                one.tries += 1
            case RetryAt(due, counted):
                one.due, one.fault, one.reason = due, s.fault, log.reason
                one.tries += int(counted)
                self._failed(one, s.flow)
        if s.health is not None:
            self.keep(one.endpoint, s.health)

    def _end(self, one: Promise, state: State, at: int, reason: str) -> None:
        """Whoever is done with holds back nothing any more."""
        one.state, one.finished_at, one.reason, one.fault = state, at, reason, False
        self.events[one.event.id].finished_at = at
        if one.lane.holder == one.id:
            one.lane.end_hold()

    def _failed(self, one: Promise, flow: int) -> None:
        """The hold is counted from the first failure since the last success. Once it has run out, whoever failed is
        overtaken. Until then the front holds back all that is later; one that has been overtaken does so only where
        nobody else does."""
        lane = one.lane
        lane.last_failure = flow
        if lane.failing_since is None:
            lane.failing_since = flow
        if flow >= lane.failing_since + self.hold:
            if lane.holder:
                self._overtake(lane)
            one.overtaken = True
        else:
            lane.hold_until = lane.failing_since + self.hold
            lane.holder = lane.holder if lane.holder and one.overtaken else one.id

    def keep(self, endpoint: str, health: Health) -> None:
        """Of two the later one counts, in whatever order they come."""
        if health.version >= self.healths.setdefault(endpoint, Health()).version:
            self.healths[endpoint] = health

    def abandon(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.promises[number].lane.flying = 0

    def crash(self) -> None:
        """Nothing is lost but what was in flight: it is as before."""
        self.abandon(self.flying)

    @property
    def flying(self) -> frozenset[int]:
        return frozenset(lane.flying for lane in self.lanes.values() if lane.flying)

    # -- from outside ------------------------------------------------------------------------------------------------

    def faulty(self, endpoint: str, now: int) -> set[int]:
        """What a release makes due."""
        pending = [one for one in self.promises.values() if one.state == "pending" and one.endpoint == endpoint]
        return {one.id for one in pending if one.fault and one.due > now}

    def resend(self, number: int, now: int) -> bool:
        """A pending one is only due earlier. A finished one is owed anew, out of its order."""
        one = self.promises.get(number)
        if one is None or one.lane.flying == number:
            return False
        if one.state != "pending":
            one.state, one.overtaken, one.tries, one.owed_since = "pending", True, 0, now
            one.finished_at, one.reason = 0, ""
        one.due = now
        return True

    def expire(self, endpoint: str, before: int, now: int, limit: int, ended: Sequence[int]) -> None:
        """Those owed longest end first, never one in flight."""
        pending = [one for one in self.promises.values() if one.state == "pending" and one.endpoint == endpoint]
        old = {one.id: one.owed_since for one in pending if one.owed_since < before and one.lane.flying != one.id}
        assert sorted(old[number] for number in ended) == sorted(old.values())[:limit]
        for number in ended:
            self._end(self.promises[number], "dead", now, "expired")

    def forget(self, before: int, limit: int, gone: set[str], *, roomy: bool) -> None:
        """Those finished longest go first: what finished before `before`, and where there is little room, any."""
        done = {id_: kept.finished_at for id_, kept in self.events.items() if not kept.open}
        due = min(limit, sum(at < before for at in done.values()))
        assert due <= len(gone) <= (due if roomy else limit)
        assert sorted(done[id_] for id_ in gone) == sorted(done.values())[: len(gone)]
        for id_ in gone:
            for one in self.events.pop(id_).promises:
                del self.promises[one.id]

    def forget_idle(self, now: int) -> None:
        """A subject that owes nothing, and whose count has run out, begins anew."""
        busy = {id(one.lane) for one in self.promises.values() if one.state == "pending"}
        for (endpoint, _), lane in self.lanes.items():
            since, flow = lane.failing_since, self.healths[endpoint].flow_at(now)
            if id(lane) not in busy and since is not None and since + self.hold <= flow:
                lane.failing_since = None

    # -- what is shown -----------------------------------------------------------------------------------------------

    def rows(self) -> list[DeliveryLog]:
        return [one.row(self.next_of(one.lane)) for one in reversed(self.promises.values())]

    def counts(self) -> dict[str, Counts]:
        return {name: self._counts(name) for name in self.healths}

    def _counts(self, endpoint: str) -> Counts:
        own = [one for one in self.promises.values() if one.endpoint == endpoint]
        states = [one.state for one in own]
        oldest = min((one.owed_since for one in own if one.state == "pending"), default=0)
        return Counts(states.count("pending"), states.count("delivered"), states.count("dead"), oldest)


def attempt_log(attempt: Attempt) -> AttemptLog:
    """An attempt as it is kept."""
    out = attempt.outcome
    reason = "" if isinstance(out, Response) else f"{out.reason}: {out.detail}" if out.detail else out.reason
    return AttemptLog(attempt.number, attempt.started_at, attempt.duration, out.status, reason, out.answer[:2048])
