"""What is counted while it runs: for the metrics, and for the charts of the status page.

Law: plain ints, and nothing that grows: labels are endpoints that are configured and words that are known. `now` is an
argument. Counting one attempt costs about a microsecond.
"""

from bisect import bisect_left
from collections.abc import Iterable
from functools import cache

from msgspec import Struct

from sidecar.model import Accepted, Added, Dead, Delivered, Response, RetryAt, Settlement

DURATIONS = (5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 15_000_000)
"""µs: upper bounds of an attempt's duration. 15 s is the default of SIDECAR_TIMEOUT."""

COMMITS = (250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 2_500_000)
"""µs: upper bounds of a commit, which is one fsync."""

LAGS = (1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 2_500_000)
"""µs: upper bounds of how late the event loop is."""

MINUTES = 60
MINUTE = 60_000


class Histogram:
    """Spans in µs by upper bound. One thread writes, any may read."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[int, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0

    def observe(self, span: int) -> None:
        self.counts[bisect_left(self.bounds, span)] += 1
        self.total += span


class Minute(Struct, frozen=True):
    """What became of one endpoint's attempts in one minute. `start` in ms."""

    start: int
    delivered: int
    failed: int


class Minutes:
    """Attempts delivered and failed in each of the last 60 minutes."""

    __slots__ = ("_delivered", "_failed", "_number")

    def __init__(self) -> None:
        self._number = [-1] * MINUTES
        self._delivered = [0] * MINUTES
        self._failed = [0] * MINUTES

    def count(self, now: int, *, delivered: bool) -> None:
        minute = now // MINUTE
        slot = minute % MINUTES
        if self._number[slot] != minute:
            self._number[slot] = minute
            self._delivered[slot] = self._failed[slot] = 0
        (self._delivered if delivered else self._failed)[slot] += 1

    def last(self, now: int) -> list[Minute]:
        """The last 60, oldest first; the last of them is under way."""
        minute = now // MINUTE
        return [self._at(minute - ago) for ago in reversed(range(MINUTES))]

    def _at(self, minute: int) -> Minute:
        slot = minute % MINUTES
        known = self._number[slot] == minute
        return Minute(minute * MINUTE, self._delivered[slot] * known, self._failed[slot] * known)


class EndpointMeter:
    """One endpoint's. `dead`: by reason; `outcomes`: `2xx` and the like, or the word for why there was no answer."""

    __slots__ = ("dead", "durations", "minutes", "outcomes")

    def __init__(self) -> None:
        self.outcomes: dict[str, int] = {}
        self.dead: dict[str, int] = {}
        self.durations = Histogram(DURATIONS)
        self.minutes = Minutes()


class Meters:
    """Implements `ports.Observer` for these endpoints.

    Attributes:
        accepted, duplicates: events, by dialect.
        refused: events, by the kind of problem.
        hooks: what other machines posted, by route and by `taken` or `refused`.
        started: when it began to count, in ms.
        changes: rises with all that a page may show.
    """

    def __init__(self, endpoints: Iterable[str], started: int) -> None:
        self.endpoints = {name: EndpointMeter() for name in endpoints}
        self.started = started
        self.accepted: dict[str, int] = {}
        self.duplicates: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        self.hooks: dict[tuple[str, str], int] = {}
        self.commits = Histogram(COMMITS)
        self.lags = Histogram(LAGS)
        self.changes = 0

    def answered(self, dialect: str, added: Iterable[Added]) -> None:
        self.changes += 1
        for one in added:
            if isinstance(one, Accepted):
                kind = self.duplicates if one.duplicate else self.accepted
                kind[dialect] = kind.get(dialect, 0) + 1
            else:
                self.refused_for("conflicting")

    def stored(self, postings: object, added: object) -> None:
        """Counted by `answered`."""

    def refused_for(self, reason: str, count: int = 1) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + count

    def hooked(self, route: str, *, taken: bool) -> None:
        self.changes += 1
        key = route, "taken" if taken else "refused"
        self.hooks[key] = self.hooks.get(key, 0) + 1

    def attempted(self, settlement: Settlement) -> None:
        self.changes += 1
        meter = self.endpoints.get(settlement.claim.endpoint)
        if meter is None:
            return
        attempt, outcome = settlement.attempt, settlement.attempt.outcome
        word = status_class(outcome.status // 100) if isinstance(outcome, Response) else outcome.reason
        meter.outcomes[word] = meter.outcomes.get(word, 0) + 1
        meter.durations.observe(attempt.duration)
        match settlement.verdict:
            case Delivered():
                meter.minutes.count(settlement.at, delivered=True)
            case RetryAt():
                meter.minutes.count(settlement.at, delivered=False)
            case Dead(reason):
                meter.minutes.count(settlement.at, delivered=False)
                meter.dead[reason] = meter.dead.get(reason, 0) + 1

    def expired(self, endpoint: str) -> None:
        self.changes += 1
        if (meter := self.endpoints.get(endpoint)) is not None:
            meter.dead["expired"] = meter.dead.get("expired", 0) + 1

    def changed(self) -> None:
        self.changes += 1


@cache
def status_class(hundreds: int) -> str:
    """`2xx` for 2; `other` for what is no class of HTTP."""
    return f"{hundreds}xx" if 1 <= hundreds <= 5 else "other"
