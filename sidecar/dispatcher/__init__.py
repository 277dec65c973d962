"""The heart: for each endpoint a lane of its own. Law: an endpoint never waits for another; lanes share nothing but the
outbox, the transport, and the knowledge that the disk is full.
"""

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from sidecar.dispatcher.lane import Lane, Parts
from sidecar.errors import NotFound
from sidecar.model import Claim, Endpoint, Health, Secret

__all__ = ["Dispatcher", "Parts"]

log = structlog.get_logger()


class Dispatcher:
    """Implements `ports.Control`."""

    def __init__(self, endpoints: Sequence[Endpoint], health: Mapping[str, Health], parts: Parts) -> None:
        self._lanes = {e.name: Lane(e, health.get(e.name, Health()), parts) for e in endpoints}
        self._draining = asyncio.Event()
        parts.stall.watch(self._wake_all)
        parts.outbox.watch(self._wake, self._hand)

    async def run(self) -> None:
        """Deliver until drained or cancelled; raises `OutboxBroken` where the outbox is."""
        try:
            async with asyncio.TaskGroup() as group:
                for lane in self._lanes.values():
                    group.create_task(lane.run(), name=f"lane {lane.endpoint.name}")
                await self._draining.wait()
        except* Exception as failed:
            raise _first(failed) from failed

    def drain(self) -> None:
        """Finish what is in flight and what is due now, then let `run` return."""
        self._draining.set()
        for lane in self._lanes.values():
            lane.drain()

    def health(self, endpoint: str) -> Health:
        return self._lane(endpoint).health

    def in_flight(self, endpoint: str = "") -> frozenset[int]:
        lanes = [self._lane(endpoint)] if endpoint else self._lanes.values()
        return frozenset().union(*[lane.in_flight for lane in lanes])

    async def pause(self, endpoint: str) -> None:
        await self._lane(endpoint).pause("paused by hand")

    async def resume(self, endpoint: str) -> None:
        await self._lane(endpoint).resume()

    def configure(self, endpoints: Sequence[Endpoint]) -> None:
        """From the next attempt on, these, of the same names, that go to the same places."""
        for one in endpoints:
            self._lane(one.name).configure(one)

    def set_secrets(self, endpoint: str, secrets: tuple[Secret, ...] | None) -> None:
        self._lane(endpoint).set_secrets(secrets)

    def overridden(self, endpoint: str) -> bool:
        return self._lane(endpoint).overridden

    def _lane(self, endpoint: str) -> Lane:
        lane = self._lanes.get(endpoint)
        if lane is None:
            known = ", ".join(sorted(self._lanes)) or "none is configured"
            raise NotFound(f"no endpoint is named {endpoint!r}; there are: {known}")
        return lane

    def _wake(self, endpoint: str) -> None:
        lane = self._lanes.get(endpoint)
        if lane is not None:
            lane.due()

    def _hand(self, endpoint: str, claims: Sequence[Claim]) -> None:
        self._lanes[endpoint].hand(claims)

    def _wake_all(self) -> None:
        for lane in self._lanes.values():
            lane.wake()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
