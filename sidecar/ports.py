"""The few seams where a part may be swapped: Outbox, Registry, Projects, Hooks, Transport, Clock, Dialect; and Control
and Observer, which join rooms that do not know each other.

Law: nothing in a port may need SQL, aiohttp or the operating system. An outbox may as well be a stream engine: claim is
fetch, settle is ack, a delayed or a final nak. What every engine promises is written down in tests/test_outbox.py.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from sidecar.errors import OutboxBroken
from sidecar.incoming import Hook, Numbered, Registered, Wanted
from sidecar.jobs import Again, Replay, ReplayPart, Step
from sidecar.model import (
    Added,
    AttemptLog,
    Claim,
    Claimed,
    Counts,
    DeliveryLog,
    Endpoint,
    Event,
    Health,
    Instance,
    Outcome,
    Posting,
    Query,
    Request,
    Secret,
    Settlement,
)
from sidecar.projects import Package, Project


class Outbox(Protocol):
    """Keeps events and what they owe, durably. Every method that changes something returns only once that is on disk.

    Raises `NoSpace` where the disk is full (nothing changed) and `OutboxBroken` where it can never be trusted again.
    """

    def watch(self, wake: Callable[[str], None], hand: Callable[[str, Sequence[Claim]], None]) -> None:
        """`wake(endpoint)` is called on the event loop whenever something may have become due there.
        `hand(endpoint, claims)` instead, where there was a standing claim that the outbox chose to answer so; before
        whoever added them hears of it."""
        ...

    async def add(self, postings: Sequence[Posting]) -> list[Added]:
        """Store events with their deliveries, in order, one answer for each; all of them or, on an error, none.

        The same id with the same fingerprint is a duplicate and adds nothing, also within one call; with another
        fingerprint, a conflict. Raises `Unavailable` when more is owed than the outbox may hold.
        """
        ...

    async def claim(self, endpoint: str, limit: int, now: int, flow: int, *, standing: bool = False) -> Claimed:
        """Take up to `limit` deliveries of `endpoint` that are due at `now` and that nothing holds back at `flow`.

        Of one subject never two at once, and in the order accepted; a delivery that keeps failing holds back the later
        ones of its subject until the hold is over, counted in flow time from the subject's first failure since its last
        success. What is claimed and not settled when the process dies can be claimed again.

        `standing`: it goes on, until the endpoint's next call of `claim` or `abandon`. While nothing at all is owed
        there, what comes in may be taken at once, and handed over (`watch`).
        """
        ...

    async def settle(self, settlement: Settlement, *, another: bool = False) -> Claim | None:
        """Write attempt, verdict and health together; the claim ends with it.

        `another`: take one more delivery of the endpoint in the same step, as a claim at the settlement's `at` and
        `flow` would; None where there is none. So a slot that comes free is used at once.
        """
        ...

    async def abandon(self, claims: Sequence[int]) -> None:
        """End claims (delivery numbers) of which no attempt was made: they are as before."""
        ...

    async def release(self, endpoint: str, now: int, limit: int) -> int:
        """Make due at `now` up to `limit` pending deliveries whose last failure was the endpoint's own; how many it
        was."""
        ...

    async def resend(self, delivery: int, now: int) -> bool:
        """Owe a delivery again, due at once, whatever its state; False where there is none or it is in flight."""
        ...

    async def replay(self, endpoint: str, which: Again, after: int, now: int, *, limit: int, most: int) -> Step:
        """Owe again, due at `now`, up to `limit` finished deliveries, oldest first, behind number `after`; no more than
        that `most` that were owed again since `which.finished_by` are pending. `now` is later than that."""
        ...

    async def expire(self, endpoint: str, before: int, now: int, limit: int) -> list[int]:
        """End, with reason `expired`, up to `limit` deliveries owed since before `before`; their numbers."""
        ...

    async def prune(self, before: int, limit: int) -> int:
        """Forget up to `limit` finished events, oldest first: those finished before `before`, and any while the
        outbox is above 80 % of its size. How many it was; space given back to the file system."""
        ...

    async def save_health(self, endpoint: str, health: Health) -> None: ...

    async def health(self) -> Mapping[str, Health]:
        """By endpoint, for every endpoint ever seen."""
        ...

    async def counts(self) -> Mapping[str, Counts]:
        """By endpoint, for every endpoint ever seen; kept, not counted."""
        ...

    async def event(self, event: str) -> Event | None: ...

    async def delivery(self, delivery: int) -> DeliveryLog | None: ...

    async def attempts(self, delivery: int) -> Sequence[AttemptLog]:
        """Oldest first."""
        ...

    async def deliveries(self, query: Query) -> Sequence[DeliveryLog]:
        """Newest first, at most `query.limit`."""
        ...

    async def failure(self) -> OutboxBroken:
        """Return when, if ever, it comes to the point where the outbox can no longer be trusted."""
        ...

    @property
    def written(self) -> int:
        """When it was last written, in ms: what `now` told then. Time must not go back behind it."""
        ...

    @property
    def owed(self) -> int:
        """Bytes of the events not yet finished; `SIDECAR_MAX_OUTBOX_SIZE` bounds them."""
        ...

    def ready(self) -> str:
        """Empty when it takes events, else why not: a sentence for a person."""
        ...

    async def close(self) -> None: ...


class Registry(Protocol):
    """Keeps, durably, what a user sets at run time. What changes something returns only once that is on disk.

    Raises `NoSpace` where the disk is full (nothing changed) and `RegistryBroken` where it cannot be written.
    """

    def secrets(self) -> Mapping[str, tuple[Secret, ...]]:
        """By endpoint, configured or not, those that win over the environment's; newest first."""
        ...

    async def put_secrets(self, endpoint: str, secrets: tuple[Secret, ...]) -> None: ...

    async def delete_secrets(self, endpoint: str) -> bool:
        """False where there were none."""
        ...


class Projects(Protocol):
    """Keeps, durably, the projects that webhooks build, and numbers their builds.

    What changes something raises `NotFound` where there is no such project or package, and errors as `Registry` does.
    """

    def find(self, ownername: str, name: str) -> Registered | None: ...

    def all(self) -> Sequence[Registered]:
        """By owner and name."""
        ...

    async def add(self, project: Project) -> Registered:
        """`project.id` is given here. Raises `Conflicting` where the name is taken, or there are too many."""
        ...

    async def edit(
        self,
        ownername: str,
        name: str,
        *,
        chroots: tuple[str, ...] | None = None,
        pull_requests: str | None = None,
        forge_keys: Mapping[str, tuple[Secret, ...]] = {},
    ) -> Registered:
        """What is None stays; a forge that is named has these keys from now on, newest first."""
        ...

    async def delete(self, ownername: str, name: str) -> None: ...

    async def grant(self, ownername: str, name: str, secret: Secret, *, now: int, overlap: int) -> Registered:
        """Let `secret` be the project's; older ones are good for `overlap` ms more."""
        ...

    async def put_package(self, ownername: str, name: str, package: Package, *, new: bool) -> Registered:
        """Add it, or edit one that is there. Raises `Conflicting` where a new one is there, or there are too many."""
        ...

    async def delete_package(self, ownername: str, name: str, package: str) -> Registered: ...

    async def number(self, project: Project, wanted: Sequence[Wanted], now: int) -> Sequence[Numbered]:
        """A number for each, in order: the same for the same key, and for the same thing within its time."""
        ...

    async def prune(self, before: int) -> int:
        """One step of forgetting by what the builds before `before` were wanted; 0 when it is done. Their numbers stay
        taken."""
        ...


class Hooks(Protocol):
    """Keeps the log of what came in, within bounds. Errors as `Registry`."""

    async def known(self, key: bytes, since: int) -> Hook | None:
        """What was kept under this key, after `since`."""
        ...

    async def keep(self, hook: Hook, since: int = 0) -> Hook:
        """Returns once it is on disk; where `known` finds one under the same key, that one."""
        ...

    def came_again(self, hook: Hook, at: int) -> None:
        """Count it."""
        ...

    def note(self, hook: Hook) -> None:
        """Cheaply, what nothing hangs on: it is on disk by the next `page` or `prune`, and what is alike counts as
        one."""
        ...

    async def page(self, limit: int, after: int) -> Sequence[Hook]:
        """Newest first; `after`: only smaller ids, 0 for all."""
        ...

    async def prune(self, before: int) -> int:
        """One step of forgetting what came last before `before`, or is too much; 0 when it is done."""
        ...


class Replays(Protocol):
    """Keeps the jobs that send again, durably. Errors as `Registry`."""

    async def add(self, replay: Replay) -> Replay:
        """`replay.id` is given here. Raises `Conflicting` where too many run."""
        ...

    async def find(self, id_: int) -> Replay:
        """Raises `NotFound`."""
        ...

    async def page(self, limit: int, after: int) -> Sequence[Replay]:
        """Newest first; `after`: only smaller ids, 0 for all."""
        ...

    async def running(self) -> Sequence[Replay]:
        """Oldest first."""
        ...

    async def advance(self, id_: int, part: ReplayPart, now: int) -> None:
        """Note how far it came for one endpoint; where that was the last to be done, the job is. Not once cancelled."""
        ...

    async def cancel(self, id_: int, now: int) -> Replay:
        """Raises `NotFound`; one that has ended stays as it is."""
        ...

    async def prune(self, before: int) -> int:
        """One step of forgetting what ended before `before`; 0 when it is done."""
        ...


class Replaying(Protocol):
    """What the socket may ask of replays: those that `Replays` keeps, and that they go on."""

    @property
    def kept(self) -> Replays: ...

    async def start(self, replay: Replay) -> Replay:
        """As `Replays.add`; it begins at once."""
        ...


class Transport(Protocol):
    """One POST. Never raises for what the network does: every failure becomes a value."""

    async def send(self, endpoint: Endpoint, request: Request) -> Outcome: ...

    async def close(self) -> None: ...


class Clock(Protocol):
    """The only reader of time."""

    def now(self) -> int:
        """ms since the epoch; never goes back, whatever happens to the wall clock."""
        ...

    def wall(self) -> int:
        """ms since the epoch as the system has it; for what is signed and shown on the wire."""
        ...

    def elapsed(self) -> int:
        """µs from an arbitrary start, for spans."""
        ...

    async def wait(self, event: asyncio.Event, until: int) -> None:
        """Return when `event` is set or `until` (as `now` tells it) is reached; `FAR` waits for the event alone."""
        ...


class Dialect(Protocol):
    """One sender's vocabulary, pure: a module of `sidecar.dialects` is one. See docs/howto/add-a-dialect.md."""

    def read(self, raw: bytes, *, id: str, now: int, instance: Instance, traceparent: str = "") -> Event:
        """The event that `raw`, as it came over the socket, tells of; `id` for it where `raw` names none.

        Raises a `Problem`: `Malformed` or `NotAnEvent`, with a pointer to what is at fault.
        """
        ...

    def ping(self, *, id: str, now: int, instance: Instance) -> Event: ...

    def write(
        self, event: Event, endpoint: Endpoint, *, delivery: int, attempt: int, now: int, instance: Instance
    ) -> Request:
        """The request of one attempt, signed for `now`. `event.body` is its body, untouched."""
        ...

    def wants(self, event: Event, endpoint: Endpoint) -> str:
        """Empty if the endpoint's filters let the event through, else the rule that keeps it away."""
        ...


class Control(Protocol):
    """What the socket may ask of the dispatcher. Names are endpoints'; an unknown one raises `NotFound`."""

    def health(self, endpoint: str) -> Health: ...

    def in_flight(self, endpoint: str = "") -> frozenset[int]:
        """Delivery numbers being attempted, of one endpoint or of all."""
        ...

    async def pause(self, endpoint: str) -> None: ...

    async def resume(self, endpoint: str) -> None: ...

    def set_secrets(self, endpoint: str, secrets: tuple[Secret, ...] | None) -> None:
        """From the next attempt on sign with these, newest first; None: with those configured."""
        ...

    def overridden(self, endpoint: str) -> bool:
        """Whether it signs with other secrets than those configured."""
        ...


class Observer(Protocol):
    """Is told what happened, so as to count it. Returns at once, and never raises."""

    def answered(self, dialect: str, added: Sequence[Added]) -> None:
        """The outbox answered for events of one dialect."""
        ...

    def stored(self, postings: Sequence[Posting], added: Sequence[Added]) -> None:
        """What was answered, with the events themselves."""
        ...

    def refused_for(self, reason: str, count: int = 1) -> None:
        """So many events were not taken; `reason` is the kind of problem: `not-an-event`."""
        ...

    def hooked(self, route: str, *, taken: bool) -> None:
        """Another machine posted to us, and it was taken or refused."""
        ...

    def attempted(self, settlement: Settlement) -> None:
        """An attempt was made, and its verdict is on disk."""
        ...

    def expired(self, endpoint: str) -> None:
        """A delivery grew too old."""
        ...

    def changed(self) -> None:
        """Something was changed by hand."""
        ...
