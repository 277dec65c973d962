"""`/healthz` and `/readyz`. Law: no disk, no wait; they are asked every few seconds."""

from aiohttp import web

from sidecar.api.answers import answer
from sidecar.api.parts import PARTS


async def healthz(_: web.Request) -> web.StreamResponse:
    """The loop turns."""
    return answer({"status": "alive"})


async def readyz(request: web.Request) -> web.StreamResponse:
    """Whether events are taken, and if not, why."""
    parts = request.app[PARTS]
    reasons = [reason for reason in (parts.gate.reason, parts.outbox.ready()) if reason]
    if reasons:
        return answer({"status": "unready", "reasons": reasons}, 503)
    return answer({"status": "ready"})
