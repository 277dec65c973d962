"""What every route works with. Law: parts are handed in, none is made here."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import web

from sidecar.model import Endpoint, Instance
from sidecar.ports import Clock, Control, Dialect, Hooks, Observer, Outbox, Projects, Registry, Replaying
from sidecar.web.gate import Gate


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one app.

    Attributes:
        configured: the endpoints, in their order; `endpoints` has them by name, `audience` by dialect those that its
        events may go to.
        max_event_size: bytes of one event as it comes.
        new_id: makes an event's id, of the time in ms.
        new_secret: makes a project's webhook secret.
        attempts: a delivery gets by the schedule, the first one included.
        stall: seconds a client may neither send nor read before it is cut off.
        metrics: all there is to measure, as text and its content type, in the form that an `Accept` header asks for.
    """

    outbox: Outbox
    registry: Registry
    projects: Projects
    hooks: Hooks
    replaying: Replaying
    control: Control
    clock: Clock
    configured: Sequence[Endpoint]
    instance: Instance
    dialects: Mapping[str, Dialect]
    max_event_size: int
    gate: Gate
    new_id: Callable[[int], str]
    new_secret: Callable[[], str]
    attempts: int
    observer: Observer
    metrics: Callable[[str], Awaitable[tuple[bytes, str]]]
    stall: float = 30.0
    endpoints: dict[str, Endpoint] = field(init=False, default_factory=dict)
    audience: dict[str, tuple[Endpoint, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.configure(self.configured)

    def configure(self, endpoints: Sequence[Endpoint]) -> None:
        """From now on these; of requests under way, the events that are yet to be read."""
        self.endpoints.update({one.name: one for one in endpoints})
        for dialect in self.dialects:
            self.audience[dialect] = tuple([one for one in self.endpoints.values() if one.dialect == dialect])


PARTS = web.AppKey("parts", Parts)
