"""What the routes work with. Law: parts are handed in, none is made here."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from aiohttp import web

from sidecar.errors import TooManyTries
from sidecar.inbound.reading import Pace
from sidecar.meters import Meters
from sidecar.model import Endpoint, Event, Instance, Posting, Secret
from sidecar.ports import Clock, Dialect, Hooks, Observer, Outbox, Projects
from sidecar.web.gate import Gate
from sidecar.web.slowness import Slowness


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one app.

    Attributes:
        drone: Drone's dialect: what a build becomes, and what is relayed.
        audience: endpoints of that dialect, as they are configured now.
        relay_secrets: what a Drone server may have signed with.
        require_signature: refuse what no forge has signed.
        max_event_size: bytes of a relayed event.
        body_time: seconds for a whole body.
        observer: is told what came and what was taken.
    """

    outbox: Outbox
    projects: Projects
    hooks: Hooks
    clock: Clock
    gate: Gate
    slowness: Slowness
    drone: Dialect
    audience: Callable[[], Sequence[Endpoint]]
    instance: Instance
    relay_secrets: list[Secret]
    require_signature: bool
    max_event_size: int
    body_time: float = 30.0
    observer: Observer = field(default_factory=partial(Meters, (), 0))
    pace: Pace = field(default_factory=Pace)

    def configure(self, relay_secrets: Sequence[Secret]) -> None:
        """From the next request on."""
        self.relay_secrets[:] = relay_secrets

    async def slow(self, request: web.Request) -> None:
        """Who is wrong waits, longer with each time; where too many wait already, not at all."""
        with suppress(TooManyTries):
            await self.slowness.wrong(request.remote or "")

    def posting(self, event: Event) -> Posting:
        """The event with all that it owes."""
        return Posting(event, tuple([one.name for one in self.audience() if not self.drone.wants(event, one)]))


PARTS = web.AppKey("parts", Parts)
