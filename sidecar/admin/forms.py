"""What a form brings. Law: read once, within a bound and a time; text alone."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from sidecar.api.parts import PARTS
from sidecar.web.problems import TooSlow

FORM = "application/x-www-form-urlencoded"


async def form(request: web.Request) -> Mapping[str, str]:
    """The fields of a form, by name; none of a body that is no such form. Raises `TooSlow`."""
    if request.content_type != FORM:
        return {}
    try:
        async with asyncio.timeout(request.app[PARTS].stall):
            given = await request.post()
    except TimeoutError:
        raise TooSlow("the rest of the form did not come; send it again") from None
    return {name: value for name, value in given.items() if isinstance(value, str)}
