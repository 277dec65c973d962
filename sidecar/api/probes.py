"""`/healthz`, `/readyz`, `/metrics`.

Law: the first two ask no disk and wait for nothing; they are asked every few seconds.
"""

from aiohttp import hdrs, web

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


async def metrics(request: web.Request) -> web.StreamResponse:
    """All there is to measure, for Prometheus."""
    text, content_type = await request.app[PARTS].metrics(request.headers.get(hdrs.ACCEPT, ""))
    return web.Response(body=text, headers={hdrs.CONTENT_TYPE: content_type})
