"""The engines the conformance suite runs over, and the bench its tests work at.

Law: a test knows an engine by `sidecar.ports.Outbox` and its row in ENGINES, by nothing else. Time moves only where a
test says so: `later` moves the wall, and the endpoint's flow clock with it unless it stands still.
"""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from sidecar.model import (
    Accepted,
    Attempt,
    Claim,
    Claimed,
    Dead,
    Delivered,
    DeliveryLog,
    Event,
    Health,
    Outcome,
    Posting,
    Query,
    Response,
    RetryAt,
    Settlement,
    Verdict,
    fingerprint,
)
from sidecar.outboxes.sqlite import open_outbox
from sidecar.ports import Outbox

NOON = 1_800_000_000_000
HOLD = 600_000
SECOND = 1_000
HOUR = 3_600_000
HOOK = "hook"
SUBJECT = "octocat/hello-world"
SMALL_BALLAST = 64 * 2**10


class Options(NamedTuple):
    """What every engine can be told."""

    order: str = "subject"
    hold: int = HOLD
    max_size: int = 2**30


class Engine(NamedTuple):
    """A row of ENGINES.

    Attributes:
        open: the outbox kept in this directory, made where there is none.
        crash: the process dies here and now: nothing is tidied up. The directory where its remains are.
    """

    open: Callable[[Path, Callable[[], int], Options], Awaitable[Outbox]]
    crash: Callable[[Outbox, Path], Awaitable[Path]]


async def open_sqlite(directory: Path, now: Callable[[], int], options: Options) -> Outbox:
    return await open_outbox(directory, now=now, ballast=SMALL_BALLAST, **options._asdict())


def copy_remains(directory: Path) -> Path:
    """The files as they are while the engine still has them open. The WAL goes first: a checkpoint that runs meanwhile
    then moves only what the copy has anyway. The WAL-index is shared memory and dies with the process."""
    remains = directory.with_name(f"{directory.name}+")
    remains.mkdir()
    for file in sorted(directory.iterdir(), key=lambda file: not file.name.endswith("-wal")):
        if file.is_file() and not file.name.endswith("-shm"):
            shutil.copy(file, remains)
    return remains


async def crash_sqlite(outbox: Outbox, directory: Path) -> Path:
    remains = copy_remains(directory)
    await outbox.close()
    return remains


ENGINES = {"sqlite": Engine(open_sqlite, crash_sqlite)}

OUTCOMES: dict[type[Verdict], Outcome] = {
    Delivered: Response(200, b"thanks"),
    RetryAt: Response(500, b"oops"),
    Dead: Response(422, b"no"),
}


class Bench:
    """One outbox of one engine, the time it is told, and short words for what every test does."""

    outbox: Outbox

    def __init__(self, engine: Engine, directory: Path) -> None:
        self.engine = engine
        self.directory = directory
        self.options = Options()
        self.now = NOON
        self.flow = 1_000_000
        self.woken: set[str] = set()
        self.handed: list[Claim] = []

    async def open(self) -> None:
        self.outbox = await self.engine.open(self.directory, lambda: self.now, self.options)
        self.outbox.watch(self.woken.add, lambda _, claims: self.handed.extend(claims))

    async def restart(self, **changed: int | str) -> None:
        """Stop in order and start again, with settings changed."""
        await self.outbox.close()
        self.options = self.options._replace(**changed)  # type: ignore[arg-type]  # each test names a setting and its type
        await self.open()

    async def crash(self) -> None:
        """Die with everything in flight, and start again."""
        self.directory = await self.engine.crash(self.outbox, self.directory)
        await self.open()

    def later(self, span: int, *, flowing: bool = True) -> None:
        self.now += span
        self.flow += span if flowing else 0

    def posting(self, id: str, *endpoints: str, subject: str = SUBJECT, body: bytes = b"{}") -> Posting:
        event = Event(id, "drone", "build:created", subject, body, fingerprint(body), self.now)
        return Posting(event, endpoints)

    async def add(self, id: str, *endpoints: str, subject: str = SUBJECT, body: bytes = b"{}") -> int:
        """Add one new event, for HOOK unless told; the number of its first delivery, 0 where it has none."""
        [added] = await self.outbox.add([self.posting(id, *(endpoints or (HOOK,)), subject=subject, body=body)])
        assert isinstance(added, Accepted)
        assert not added.duplicate
        return added.deliveries[0].id if added.deliveries else 0

    async def queue(self, names: Iterable[str]) -> list[int]:
        """Add events of one subject, one after another; their delivery numbers."""
        return [await self.add(name) for name in names]

    async def spread(self, names: Iterable[str]) -> list[int]:
        """Add events, each of its own subject; their delivery numbers."""
        return [await self.add(name, subject=name) for name in names]

    async def look(self, limit: int = 100, endpoint: str = HOOK) -> Claimed:
        return await self.outbox.claim(endpoint, limit, self.now, self.flow)

    async def claim(self, limit: int = 100, endpoint: str = HOOK) -> list[Claim]:
        return list((await self.look(limit, endpoint)).claims)

    async def claimed(self, limit: int = 100, endpoint: str = HOOK) -> list[int]:
        """The delivery numbers that a claim takes now."""
        return [claim.delivery for claim in await self.claim(limit, endpoint)]

    async def one(self, endpoint: str = HOOK) -> Claim:
        """The claim there is, and there is one."""
        [claim] = await self.claim(endpoint=endpoint)
        return claim

    def settlement(
        self,
        claim: Claim,
        verdict: Verdict,
        *,
        outcome: Outcome | None = None,
        fault: bool = False,
        health: Health | None = None,
    ) -> Settlement:
        attempt = Attempt(claim.number, self.now - 7, 6_500, outcome or OUTCOMES[type(verdict)])
        return Settlement(claim, attempt, verdict, self.now, self.flow, fault, health)

    async def settle(
        self,
        claim: Claim,
        verdict: Verdict,
        *,
        outcome: Outcome | None = None,
        fault: bool = False,
        health: Health | None = None,
    ) -> None:
        await self.outbox.settle(self.settlement(claim, verdict, outcome=outcome, fault=fault, health=health))

    async def deliver(self, endpoint: str = HOOK) -> int:
        """Claim the one delivery that is due and bring it home; its number."""
        claim = await self.one(endpoint)
        await self.settle(claim, Delivered())
        return claim.delivery

    async def fail(self, endpoint: str = HOOK, *, wait: int = SECOND, fault: bool = False) -> int:
        """Claim the one delivery that is due and fail it, to be tried again after `wait`; its number."""
        claim = await self.one(endpoint)
        await self.settle(claim, RetryAt(self.now + wait), fault=fault)
        return claim.delivery

    async def kill(self, endpoint: str = HOOK, reason: str = "refused") -> int:
        """Claim the one delivery that is due and let it die; its number."""
        claim = await self.one(endpoint)
        await self.settle(claim, Dead(reason))
        return claim.delivery

    async def log(self, delivery: int) -> DeliveryLog:
        found = await self.outbox.delivery(delivery)
        assert found is not None
        return found

    async def listed(self, query: Query = Query()) -> list[int]:  # noqa: B008  # frozen, so one for all is safe
        return [row.id for row in await self.outbox.deliveries(query)]


@pytest.fixture(params=ENGINES)
async def every_engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """An empty, open outbox of each engine in turn."""
    bench = Bench(ENGINES[request.param], tmp_path / "outbox")
    bench.directory.mkdir()
    await bench.open()
    yield bench
    await bench.outbox.close()
