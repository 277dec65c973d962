"""The receiver as a middleware of aiohttp. Law: no handler sees a request that is not verified."""

import time

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sidecar.receiver import TOLERANCE, InvalidSignature, Keys, Secrets, Verified, verify

VERIFIED = web.RequestKey("verified", Verified)
"""Where a handler finds the event: `request[VERIFIED]`."""


def verifying(
    secrets: Secrets = (), *, keys: Keys = (), url: str = "", dialect: str = "drone", tolerance: int = TOLERANCE
) -> Middleware:
    """For `web.Application(middlewares=[verifying([secret])])`: every request of it must be signed, or is answered 401.

    Arguments are those of `verify`; without a `url`, the one that aiohttp reads from the request is taken.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        body, now = await request.read(), time.time_ns() // 1_000_000
        whole = url or str(request.url)
        try:
            request[VERIFIED] = verify(
                request.headers, body, secrets, keys=keys, url=whole, dialect=dialect, now=now, tolerance=tolerance
            )
        except InvalidSignature as fault:
            return web.Response(status=401, text=f"{fault}\n")
        return await handler(request)

    return middleware
