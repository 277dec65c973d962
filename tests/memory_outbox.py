"""An outbox in memory: the same promises as any engine's, but for what outlives the process.

Law: plain lists and dicts, nothing for speed. `trouble` and `disk` stand for the disk: what adding raises, and whether
it gets there at all; `asked` tells how many postings each call to add had.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from memory_items import Entry, Item, Lane, matches

from sidecar.errors import OutboxBroken, Unavailable
from sidecar.jobs import Again, Step
from sidecar.model import (
    FAR,
    Accepted,
    Added,
    AttemptLog,
    Claim,
    Claimed,
    Conflict,
    Counts,
    Dead,
    Delivered,
    DeliveryLog,
    Event,
    Health,
    Owed,
    Posting,
    Query,
    Response,
    RetryAt,
    Settlement,
    Unreachable,
)

FULL = "more is owed than SIDECAR_MAX_OUTBOX_SIZE allows"


class MemoryOutbox:
    """Implements `sidecar.ports.Outbox`; `hold` in ms, `order` is `subject` or `none`, `max_size` in bytes."""

    def __init__(
        self, now: Callable[[], int], *, hold: int = 600_000, order: str = "subject", max_size: int = 2**30
    ) -> None:
        self.now, self.hold, self.order, self.max_size = now, hold, order, max_size
        self.trouble: Exception | None = None
        self.disk = asyncio.Event()
        self.disk.set()
        self.asked: list[int] = []
        self.entries: dict[str, Entry] = {}
        self.items: dict[int, Item] = {}
        self.lanes: dict[tuple[str, str], Lane] = {}
        self.healths: dict[str, Health] = {}
        self.last = self.written = 0
        self._wake: Callable[[str], None] = lambda _: None

    def watch(self, wake: Callable[[str], None], _hand: object) -> None:
        self._wake = wake

    async def add(self, postings: Sequence[Posting]) -> list[Added]:
        self.asked.append(len(postings))
        await self.disk.wait()
        if self.trouble:
            raise self.trouble
        fresh = {one.event.id: len(one.event.body) for one in postings if one.endpoints}
        size = sum(length for id_, length in fresh.items() if id_ not in self.entries)
        if size and self.owed + size > self.max_size:
            raise Unavailable(FULL)
        return [self._add(posting) for posting in postings]

    def _add(self, posting: Posting) -> Added:
        event = posting.event
        entry = self.entries.get(event.id)
        if entry is None:
            items = [self._owe(event, name) for name in posting.endpoints]
            self.entries[event.id] = Entry(event, items)
            self._changed(*posting.endpoints)
        elif entry.event.fingerprint != event.fingerprint:
            return Conflict(event.id)
        owed = self.entries[event.id].items
        return Accepted(event.id, entry is not None, tuple(Owed(item.id, item.endpoint) for item in owed))

    def _owe(self, event: Event, endpoint: str) -> Item:
        self.last += 1
        own = event.subject if self.order == "subject" else str(self.last)
        lane = self.lanes.setdefault((endpoint, own), Lane())
        item = self.items[self.last] = Item(self.last, endpoint, event, lane, event.accepted_at, event.accepted_at)
        lane.pending.append(item)
        self.healths.setdefault(endpoint, Health())
        return item

    async def claim(self, endpoint: str, limit: int, now: int, flow: int, *, standing: bool = False) -> Claimed:
        lanes = [lane for (name, _), lane in self.lanes.items() if name == endpoint]
        free = [lane for lane in lanes if not lane.flying]
        for lane in free:
            if lane.holder and lane.hold_until <= flow:
                self.items[lane.holder].overtaken = True
                lane.end_hold()
        heads = sorted((head for lane in free if (head := lane.head())), key=lambda item: (item.due, item.id))
        taken = [item for item in heads if item.due <= now][:limit]
        for item in taken:
            item.lane.flying = item.id
        claims = tuple(
            Claim(item.id, endpoint, item.event, len(item.attempts) + 1, item.tries, item.owed_since) for item in taken
        )
        next_due = min((item.due for item in heads[len(taken) :]), default=FAR)
        return Claimed(claims, next_due, min((lane.hold_until for lane in lanes), default=FAR))

    async def settle(self, settlement: Settlement, *, another: bool = False) -> Claim | None:
        self._settle(settlement)
        if not another:
            return None
        claimed = await self.claim(settlement.claim.endpoint, 1, settlement.at, settlement.flow)
        return next(iter(claimed.claims), None)

    def _settle(self, settlement: Settlement) -> None:
        item, attempt, verdict = self.items[settlement.claim.delivery], settlement.attempt, settlement.verdict
        if item.lane.flying != item.id:
            return
        item.lane.flying = 0
        status, reason, answer = _outcome(attempt.outcome)
        item.attempts.append(
            AttemptLog(attempt.number, attempt.started_at, attempt.duration, status, reason, answer[:2048])
        )
        item.status = status
        match verdict:
            case Delivered():
                item.end("delivered", settlement.at, reason)
                item.lane.failing_since = None
            case Dead():
                item.end("dead", settlement.at, verdict.reason)
            case RetryAt():
                self._retry(item, verdict, settlement, reason)
        item.tries += int(not isinstance(verdict, RetryAt) or verdict.counted)
        if settlement.health:
            self.healths[item.endpoint] = settlement.health
        self._changed(item.endpoint)

    def _retry(self, item: Item, verdict: RetryAt, settlement: Settlement, reason: str) -> None:
        lane = item.lane
        item.due, item.fault, item.reason = verdict.due, settlement.fault, reason
        if self.order != "subject":
            return
        if lane.failing_since is None:
            lane.failing_since = settlement.flow
        over = lane.failing_since + self.hold
        if settlement.flow >= over:
            for late in (item.id, lane.holder or item.id):
                self.items[late].overtaken = True
            lane.end_hold()
        else:
            lane.hold_until = over
            lane.holder = lane.holder if lane.holder and item.overtaken else item.id

    async def abandon(self, claims: Sequence[int]) -> None:
        for item in [self.items[number] for number in claims]:
            item.lane.flying = 0
            self._changed(item.endpoint)

    async def release(self, endpoint: str, now: int, limit: int) -> int:
        faulty = [item for item in self._pending(endpoint) if item.fault and item.due > now]
        for item in (ready := sorted(faulty, key=lambda item: item.id)[:limit]):
            item.due = now
        self._changed(endpoint)
        return len(ready)

    async def resend(self, delivery: int, now: int) -> bool:
        item = self.items.get(delivery)
        if item is None or item.lane.flying == delivery:
            return False
        if item.state != "pending":
            item.state, item.overtaken, item.fault, item.tries = "pending", True, False, 0
            item.owed_since, item.finished_at, item.reason = now, 0, ""
            item.lane.pending.append(item)
        item.due = now
        self._changed(item.endpoint)
        return True

    async def replay(self, endpoint: str, which: Again, after: int, now: int, *, limit: int, most: int) -> Step:
        own = [item for item in self.items.values() if item.endpoint == endpoint]
        again = [item for item in self._pending(endpoint) if item.overtaken and item.owed_since > which.finished_by]
        found = [item.id for item in own if item.id > after and _wanted(item, which)]
        taken = found[: min(limit, max(0, most - len(again)))]
        for number in taken:
            await self.resend(number, now)
        if len(taken) == len(found):
            return Step(len(taken), max(self.last, after), 1000, done=True)
        after = taken[-1] if taken else after
        return Step(len(taken), after, 1000 * after // (self.last + 1), done=False)

    async def expire(self, endpoint: str, before: int, now: int, limit: int) -> list[int]:
        old = [item for item in self._pending(endpoint) if item.owed_since < before and item.lane.flying != item.id]
        ended = sorted(old, key=lambda item: item.owed_since)[:limit]
        for item in ended:
            item.end("dead", now, "expired")
        self._changed(endpoint)
        return [item.id for item in ended]

    async def prune(self, before: int, limit: int) -> int:
        finished = sorted((entry for entry in self.entries.values() if not entry.open), key=lambda e: e.finished_at)
        count = 0
        for entry in finished[:limit]:
            size = sum(len(kept.event.body) for kept in self.entries.values())
            if entry.finished_at < before or size > self.max_size * 0.8:
                del self.entries[entry.event.id]
                for item in entry.items:
                    del self.items[item.id]
                count += 1
        return count

    async def save_health(self, endpoint: str, health: Health) -> None:
        self.healths[endpoint] = health
        self._changed(endpoint)

    async def health(self) -> Mapping[str, Health]:
        return dict(self.healths)

    async def counts(self) -> Mapping[str, Counts]:
        return {name: self._counts(name) for name in self.healths}

    def _counts(self, endpoint: str) -> Counts:
        states = [item.state for item in self.items.values() if item.endpoint == endpoint]
        oldest = min((item.owed_since for item in self._pending(endpoint)), default=0)
        return Counts(states.count("pending"), states.count("delivered"), states.count("dead"), oldest)

    async def event(self, event: str) -> Event | None:
        entry = self.entries.get(event)
        return entry.event if entry else None

    async def delivery(self, delivery: int) -> DeliveryLog | None:
        item = self.items.get(delivery)
        return item.log() if item else None

    async def attempts(self, delivery: int) -> Sequence[AttemptLog]:
        return list(self.items[delivery].attempts) if delivery in self.items else []

    async def deliveries(self, query: Query) -> Sequence[DeliveryLog]:
        rows = [item.log(query.in_flight) for _, item in sorted(self.items.items(), reverse=True)]
        return [row for row in rows if matches(row, query)][: query.limit]

    async def failure(self) -> OutboxBroken:
        return await asyncio.Future[OutboxBroken]()

    def ready(self) -> str:
        return str(self.trouble or (FULL if self.owed >= self.max_size else ""))

    @property
    def owed(self) -> int:
        """Bytes of events not yet finished."""
        return sum(len(entry.event.body) for entry in self.entries.values() if entry.open)

    async def close(self) -> None:
        """There is nothing to close."""

    def _changed(self, *endpoints: str) -> None:
        self.written = self.now()
        for endpoint in endpoints:
            self._wake(endpoint)

    def _pending(self, endpoint: str) -> list[Item]:
        return [item for item in self.items.values() if item.endpoint == endpoint and item.state == "pending"]


def _wanted(item: Item, which: Again) -> bool:
    accepted = item.event.accepted_at
    in_time = accepted >= which.since and (not which.until or accepted < which.until)
    return item.state in which.states and item.finished_at <= which.finished_by and in_time


def _outcome(outcome: Response | Unreachable) -> tuple[int, str, bytes]:
    match outcome:
        case Response(status, answer):
            return status, "", answer
        case Unreachable(reason, detail, status, answer):
            return status, f"{reason}: {detail}" if detail else reason, answer
