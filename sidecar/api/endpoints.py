"""`/endpoints`: how they are; ping, pause, resume, secret.

Law: an unknown name is answered with those that are configured, before anything else is read.
"""

from collections.abc import Awaitable
from typing import TypeVar

import structlog
from aiohttp import web

from sidecar.api.answers import Endpoints, EndpointView, answer, endpoint, orphan
from sidecar.api.intake import store
from sidecar.api.parts import PARTS, Parts
from sidecar.api.secret import secrets_for
from sidecar.errors import NotFound, Problem, RegistryBroken
from sidecar.model import Counts, Endpoint, Health, Posting
from sidecar.web.problems import InternalError

T = TypeVar("T")

log = structlog.get_logger()


async def get_endpoints(request: web.Request) -> web.StreamResponse:
    """Those configured, in their order, then the orphaned ones by name."""
    parts = request.app[PARTS]
    counts, health = await parts.outbox.counts(), await parts.outbox.health()
    views = [_view(parts, one, counts.get(one.name, Counts())) for one in parts.endpoints.values()]
    lost = sorted(name for name, count in counts.items() if count.pending and name not in parts.endpoints)
    kept = parts.registry.secrets()
    views += [orphan(name, health.get(name, Health()), counts[name], overridden=name in kept) for name in lost]
    return answer(Endpoints(views))


async def ping(request: web.Request) -> web.StreamResponse:
    """Owe a ping to this endpoint alone, whatever its filters."""
    parts = request.app[PARTS]
    one = _find(parts, request)
    now = parts.clock.now()
    event = parts.dialects[one.dialect].ping(id=parts.new_id(now), now=now, instance=parts.instance)
    [outcome] = await store(parts, [Posting(event, (one.name,))])
    if isinstance(outcome, Problem):
        raise outcome
    return answer(outcome, 202)


async def pause(request: web.Request) -> web.StreamResponse:
    """Start no attempt; what is owed is kept."""
    parts = request.app[PARTS]
    one = _find(parts, request)
    await parts.control.pause(one.name)
    return await _answer(parts, one)


async def resume(request: web.Request) -> web.StreamResponse:
    """Start attempts again."""
    parts = request.app[PARTS]
    one = _find(parts, request)
    await parts.control.resume(one.name)
    return await _answer(parts, one)


async def put_secret(request: web.Request) -> web.StreamResponse:
    """Sign with this secret from the next attempt on, whatever is configured."""
    parts = request.app[PARTS]
    one = _find(parts, request)
    secrets = await secrets_for(one, request, parts.stall)
    await _kept(parts.registry.put_secrets(one.name, secrets))
    parts.control.set_secrets(one.name, secrets)
    log.info("endpoint.secret_changed", endpoint=one.name, action="set")
    return await _answer(parts, one)


async def delete_secret(request: web.Request) -> web.StreamResponse:
    """Sign with the configured secret again."""
    parts = request.app[PARTS]
    one = _find(parts, request)
    deleted = await _kept(parts.registry.delete_secrets(one.name))
    parts.control.set_secrets(one.name, None)
    if deleted:
        log.info("endpoint.secret_changed", endpoint=one.name, action="deleted")
    return await _answer(parts, one)


async def _kept(change: Awaitable[T]) -> T:
    """Unlike other faults of ours, this one is for the client to mend: it is told in full."""
    try:
        return await change
    except RegistryBroken as error:
        raise InternalError(str(error)) from None


def _find(parts: Parts, request: web.Request) -> Endpoint:
    name = request.match_info["name"]
    if name not in parts.endpoints:
        known = ", ".join(sorted(parts.endpoints)) or "none"
        raise NotFound(f"no endpoint {name[:100]!r} is configured; configured: {known}")
    return parts.endpoints[name]


async def _answer(parts: Parts, one: Endpoint) -> web.Response:
    counts = await parts.outbox.counts()
    return answer(_view(parts, one, counts.get(one.name, Counts())))


def _view(parts: Parts, one: Endpoint, counts: Counts) -> EndpointView:
    delivering = len(parts.control.in_flight(one.name))
    health, overridden = parts.control.health(one.name), parts.control.overridden(one.name)
    return endpoint(one, health, counts, delivering, parts.clock.now(), overridden=overridden)
