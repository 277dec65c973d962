"""What every route works with. Law: parts are handed in, none is made here."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from sidecar.model import Endpoint, Instance
from sidecar.ports import Clock, Control, Dialect, Hooks, Observer, Outbox, Projects, Registry
from sidecar.web.gate import Gate


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one app.

    Attributes:
        endpoints: by name, as configured.
        audience: by dialect, the endpoints its events may go to.
        max_event_size: bytes of one event as it comes.
        new_id: makes an event's id, of the time in ms.
        new_secret: makes a project's webhook secret.
        stall: seconds a client may neither send nor read before it is cut off.
        metrics: all there is to measure, as text and its content type, in the form that an `Accept` header asks for.
    """

    outbox: Outbox
    registry: Registry
    projects: Projects
    hooks: Hooks
    control: Control
    clock: Clock
    endpoints: Mapping[str, Endpoint]
    audience: Mapping[str, tuple[Endpoint, ...]]
    instance: Instance
    dialects: Mapping[str, Dialect]
    max_event_size: int
    gate: Gate
    new_id: Callable[[int], str]
    new_secret: Callable[[], str]
    stall: float
    observer: Observer
    metrics: Callable[[str], Awaitable[tuple[bytes, str]]]


PARTS = web.AppKey("parts", Parts)
