"""What the outbox in memory keeps: events, what they owe, the lanes in which it waits. Law: each rule stands once."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sidecar.model import FAR, AttemptLog, DeliveryLog, Event, Query, State


@dataclass(eq=False)
class Lane:
    """Deliveries of one subject to one endpoint. While `hold_until` is set, `holder` holds back what is later."""

    pending: list["Item"] = field(default_factory=list)
    flying: int = 0
    failing_since: int | None = None
    hold_until: int = FAR
    holder: int = 0

    def end_hold(self) -> None:
        self.hold_until, self.holder = FAR, 0

    def head(self) -> "Item | None":
        """The oldest that nothing has overtaken nor holds back, or one overtaken whose own time comes earlier."""
        young = [item for item in self.pending if not item.overtaken]
        old = min((item for item in self.pending if item.overtaken), key=lambda item: (item.due, item.id), default=None)
        first = min(young, key=lambda item: item.id, default=None)
        if first and self.holder and first.id > self.holder:
            first = None
        return min((item for item in (first, old) if item), key=lambda item: (item.due, item.id), default=None)


@dataclass(eq=False)
class Item:
    """A delivery."""

    id: int
    endpoint: str
    event: Event
    lane: Lane
    due: int
    owed_since: int
    state: State = "pending"
    attempts: list[AttemptLog] = field(default_factory=list)
    tries: int = 0
    overtaken: bool = False
    fault: bool = False
    finished_at: int = 0
    reason: str = ""
    status: int = 0

    def end(self, state: State, at: int, reason: str) -> None:
        self.state, self.finished_at, self.reason, self.fault = state, at, reason, False
        self.lane.pending.remove(self)
        if self.lane.holder == self.id:
            self.lane.end_hold()

    def log(self, flying: Iterable[int] = ()) -> DeliveryLog:
        lane, event, waits = self.lane, self.event, self.state == "pending"
        held = waits and not self.overtaken and 0 < lane.holder < self.id
        head = lane.head()
        first = head.id if head else 0
        return DeliveryLog(
            id=self.id,
            endpoint=self.endpoint,
            event=event.id,
            dialect=event.dialect,
            name=event.name,
            subject=event.subject,
            state="delivering" if waits and self.id in flying else self.state,
            attempts=len(self.attempts),
            tries=self.tries,
            created_at=event.accepted_at,
            due=self.due,
            finished_at=self.finished_at,
            reason=self.reason,
            status=self.status,
            held_by=lane.holder if held else 0,
            hold_until=lane.hold_until if held else 0,
            behind=first if waits and first != self.id else 0,
        )


@dataclass(eq=False)
class Entry:
    """An event with all that it owes; `finished_at` for one that never owed anything."""

    event: Event
    items: list[Item]

    @property
    def open(self) -> bool:
        return any(item.state == "pending" for item in self.items)

    @property
    def finished_at(self) -> int:
        return max((item.finished_at for item in self.items), default=self.event.accepted_at)


def matches(row: DeliveryLog, query: Query) -> bool:
    wanted = {name: getattr(query, name) for name in ("endpoint", "state", "event", "subject")}
    return (
        all(getattr(row, name) == value for name, value in wanted.items() if value)
        and row.created_at >= query.since
        and (not query.until or row.created_at < query.until)
        and (not query.after or row.id < query.after)
    )
