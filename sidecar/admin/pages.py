"""The socket's answers as pages, where a browser asks.

Law: a page is the socket's own answer to the same request, rendered; what the socket refuses, the page refuses.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

import sidecar
from sidecar import status
from sidecar.admin.guard import SESSION, SIGN_IN, Guard
from sidecar.api.deliveries import PARAMETERS, get_deliveries
from sidecar.api.endpoints import get_endpoints
from sidecar.api.parts import PARTS
from sidecar.meters import Meters

LATEST = 12
"""Deliveries on the front page."""

LISTS = ("/deliveries", "/hooks", "/replays")
PAGE = "50"
"""Rows on a page of what is a list."""

BODY = 64 * 1024
"""Characters of a body that are shown."""

FILTERS = PARAMETERS.keys() - {"limit"}

Values = dict[str, Any]
Make = Callable[[web.Request, Any], Awaitable[tuple[str, Values]]]

DONE = {
    "ping": "A ping is owed, and due at once.",
    "pause": "Paused: what is owed is kept, and no attempt starts.",
    "resume": "Resumed: attempts start again.",
    "resend": "It is owed again, and due at once.",
}
"""By the last part of a change's path, what the page that follows says."""


def wants_page(request: web.Request) -> bool:
    """Whether a browser asks: programs get JSON, and so does what takes anything."""
    return "text/html" in request.headers.get(hdrs.ACCEPT, "")


class Pages:
    """Makes pages. `max_owed`: SIDECAR_MAX_OUTBOX_SIZE, bytes; `paths`: of the routes that can be read."""

    def __init__(self, guard: Guard, meters: Meters, *, max_owed: int, paths: frozenset[str]) -> None:
        self._guard = guard
        self._meters = meters
        self._max_owed = max_owed
        self._paths = paths
        self._values: Mapping[str, Make] = {
            "/endpoints": self._endpoints,
            "/deliveries": self._deliveries,
            "/deliveries/{id}": self._delivery,
            "/events/{id}": self._event,
            "/hooks": self._list("hooks"),
            "/replays": self._list("replays"),
        }

    def shown(self, path: str, handler: Handler) -> Handler:
        """`handler`, whose answer is a page where one is wanted and there is one."""
        make = self._values.get(path)
        if make is None:
            return handler

        async def look(request: web.Request) -> web.StreamResponse:
            page, asked = wants_page(request), request
            if page and path in LISTS and not request.query.get("limit"):
                asked = request.clone(rel_url=request.rel_url.update_query(limit=PAGE))
            response = await handler(asked)
            if page:
                name, values = await make(request, _read(response))
                response = await self.page(request, name, values)
            response.headers[hdrs.VARY] = hdrs.ACCEPT
            return response

        return look

    async def front(self, request: web.Request) -> web.StreamResponse:
        """`/`: the endpoints, for whoever asks."""
        return await self.shown("/endpoints", get_endpoints)(request)

    async def page(self, request: web.Request, name: str, values: Values, status_code: int = 200) -> web.Response:
        """A page of the template `name`."""
        parts, session = request.app[PARTS], request.get(SESSION)
        common = {
            "version": sidecar.__version__,
            "path": request.path_qs,
            "here": values.get("here", request.path),
            "pages": self._paths | {"/"},
            "now": parts.clock.wall(),
            "token_set": self._guard.has_token,
            "signed_in": session is not None,
            "csrf": session.csrf if session else "",
            "unready": [reason for reason in (parts.gate.reason, parts.outbox.ready()) if reason],
            "done": DONE.get(request.query.get("done", ""), ""),
        }
        text = await status.render(name, {**common, **values})
        return web.Response(text=text, status=status_code, content_type="text/html")

    async def problem(self, request: web.Request, response: web.Response) -> web.Response:
        """What went wrong, as a page; a filter that cannot be read stays there to be mended."""
        told = _read(response)
        if response.status == 401 and request.method == hdrs.METH_GET:
            location = f"{SIGN_IN}?{urlencode({'next': request.path_qs})}"
            return web.Response(status=303, headers={hdrs.LOCATION: location})
        name, values = "problem", {"problem": told}
        if request.path == "/deliveries" and response.status == 400:
            _, values = await self._deliveries(request, {"deliveries": [], "next": None})
            name, values = "deliveries", {**values, "problem": told}
        page = await self.page(request, name, values, response.status)
        if (wait := response.headers.get(hdrs.RETRY_AFTER)) is not None:
            page.headers[hdrs.RETRY_AFTER] = wait
        return page

    async def _endpoints(self, request: web.Request, told: Any) -> tuple[str, Values]:
        parts, endpoints = request.app[PARTS], told["endpoints"]
        latest = _read(await get_deliveries(request.clone(rel_url=f"/deliveries?limit={LATEST}")))
        now = parts.clock.now()
        hour = {name: status.chart(meter.minutes.last(now)) for name, meter in self._meters.endpoints.items()}
        young = now - self._meters.started < 3_600_000
        sums = {kind: sum(one["counts"][kind] for one in endpoints) for kind in STATES}
        return "overview", {
            "here": "/",
            "headline": headline([one["state"] for one in endpoints]),
            "endpoints": endpoints,
            "sums": sums,
            "outbox_share": parts.outbox.owed / self._max_owed,
            "charts": hour,
            "counted_for": "since the start" if young else "in the last hour",
            "deliveries": latest["deliveries"],
        }

    async def _deliveries(self, request: web.Request, told: Any) -> tuple[str, Values]:
        filters = {name: value for name, value in request.query.items() if value and name in FILTERS}
        kept = {name: value for name, value in filters.items() if name != "after"}
        older = urlencode({**kept, "after": told["next"]}) if told["next"] else ""
        names = [*request.app[PARTS].endpoints]
        if (asked := filters.get("endpoint", "")) and asked not in names:
            names.append(asked)
        values = {"names": names, "filters": filters, "older": older, "first": urlencode(kept), "problem": None}
        return "deliveries", {**values, "here": "/deliveries", "deliveries": told["deliveries"]}

    async def _delivery(self, request: web.Request, told: Any) -> tuple[str, Values]:
        parts = request.app[PARTS]
        event = await parts.outbox.event(told["event"])
        endpoint = parts.endpoints.get(told["endpoint"])
        body = event.body[:BODY].decode(errors="replace") if event else ""
        shown = event and {"id": event.id, "traceparent": event.traceparent, "size": len(event.body), "body": body}
        url = endpoint.shown_url if endpoint else ""
        return "delivery", {"here": "/deliveries", "delivery": told, "event": shown, "url": url}

    def _list(self, name: str) -> Make:
        """A list that has no more than pages."""

        async def make(request: web.Request, told: Any) -> tuple[str, Values]:
            return name, {name: told[name], "older": told["next"], "after": request.query.get("after", "")}

        return make

    async def _event(self, request: web.Request, told: Any) -> tuple[str, Values]:
        return "event", {"here": "/deliveries", "event": {**told, "body": told["body"][:BODY]}}


STATES = ("pending", "delivering", "delivered", "dead")


def headline(states: list[str]) -> str:
    """How the endpoints are, in one sentence."""
    count = len(states)
    if not count:
        return "No endpoint is configured"
    bad = [f"{states.count(state)} {state}" for state in ("failing", "paused", "orphaned") if state in states]
    if bad:
        return f"Of {count} endpoint{'s' * (count > 1)}: {', '.join(bad)}"
    return "The endpoint is well" if count == 1 else f"All {count} endpoints are well"


def _read(response: web.StreamResponse) -> Any:
    assert isinstance(response, web.Response)
    assert isinstance(response.body, bytes)
    return msgspec.json.decode(response.body)
