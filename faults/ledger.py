"""What callers were promised, what each endpoint got, and where the two part.

Law: knows nothing of the sidecar. An event's id says its subject and its number in the order its caller posted it, so
that order is judged by what callers did. The hold is longer than any run here, so order has no exception at all.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple


class Named(NamedTuple):
    """An event: the `number`-th of its subject, from 1."""

    subject: str
    number: int

    @property
    def id(self) -> str:
        return f"{self.subject}.{self.number}"


def named(id_: str) -> Named:
    """The event of an id."""
    subject, _, number = id_.rpartition(".")
    return Named(subject, int(number))


@dataclass(frozen=True)
class Verdict:
    """A row of the report.

    Attributes:
        acknowledged: events answered 202 (each is owed to every endpoint).
        lost: deliveries of these that never came.
        duplicated: deliveries that an endpoint answered 2xx once more than once.
        out_of_order: requests for an event after one for a later event of its subject.
        strange: requests for what nobody posted, or with another body.
        too_often: duplicates beyond what the crashes of the run explain.
    """

    acknowledged: int
    lost: int
    duplicated: int
    out_of_order: int
    strange: int
    too_often: int

    @property
    def kept(self) -> bool:
        """Whether the promise was."""
        return not (self.lost or self.out_of_order or self.strange or self.too_often)

    def __add__(self, other: "Verdict") -> "Verdict":
        return Verdict(*[getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__])


NOTHING = Verdict(0, 0, 0, 0, 0, 0)


@dataclass
class Ledger:
    """`endpoints`: each is owed every event. `concurrency`: what each may repeat after a crash. `missing`: deliveries
    of what was acknowledged that have not come."""

    endpoints: tuple[str, ...]
    concurrency: int
    crashes: int = 0
    out_of_order: int = 0
    strange: int = 0
    posted: set[Named] = field(default_factory=set)
    accepted: set[Named] = field(default_factory=set)
    good: dict[str, Counter[Named]] = field(init=False)
    missing: int = 0
    _latest: dict[tuple[str, str], int] = field(default_factory=dict)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.good = {name: Counter() for name in self.endpoints}

    def promised(self, event: Named) -> None:
        """It was answered 202."""
        self.accepted.add(event)
        self.missing += sum(event not in good for good in self.good.values())

    def came(self, endpoint: str, event: Named, *, whole: bool = True) -> None:
        """A request reached an endpoint; `whole`: its body is what was posted."""
        latest = self._latest.get((endpoint, event.subject), 0)
        self.out_of_order += event.number < latest
        self._latest[endpoint, event.subject] = max(latest, event.number)
        self.strange += not whole or event not in self.posted

    def taken(self, endpoint: str, event: Named) -> None:
        """The endpoint answered 2xx."""
        first = event not in self.good[endpoint]
        self.missing -= first and event in self.accepted
        self.good[endpoint][event] += 1

    async def tell(self) -> None:
        """Whoever waits looks again."""
        async with self._changed:
            self._changed.notify_all()

    async def until(self, true: Callable[[], bool], patience: float) -> None:
        """Wait until `true()`, or until nothing has come for so many seconds."""
        with suppress(TimeoutError):
            async with self._changed:
                while not true():
                    async with asyncio.timeout(patience):
                        await self._changed.wait()

    def owed(self, endpoint: str) -> set[Named]:
        """What was acknowledged and has not come there."""
        return self.accepted - self.good[endpoint].keys()

    def verdict(self) -> Verdict:
        again = {name: sum(count - 1 for count in events.values()) for name, events in self.good.items()}
        allowed = self.crashes * self.concurrency
        too_often = sum(max(0, count - allowed) for count in again.values())
        return Verdict(
            acknowledged=len(self.accepted),
            lost=self.missing,
            duplicated=sum(again.values()),
            out_of_order=self.out_of_order,
            strange=self.strange,
            too_often=too_often,
        )
