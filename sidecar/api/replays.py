"""`/replays`: finished deliveries are sent again, by a job that outlives the process.

Law: answered once the job is stored; what is asked for is understood in full, or refused by name.
"""

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from sidecar.api import moments
from sidecar.api.answers import answer
from sidecar.api.moments import written, written_or_none
from sidecar.api.parts import PARTS, Parts
from sidecar.api.query import NUMBER, Readers, after, asked, limit
from sidecar.errors import Malformed, NotFound
from sidecar.jobs import Replay, ReplayPart, ReplayState
from sidecar.model import EndpointState
from sidecar.web.reading import BLANK, JSON, body, content_type

PARAMETERS: Readers = {"limit": limit, "after": after}
HEALTHY = "last healthy"
STATES = ("dead", "delivered")
LIMIT = 16 * 1024
"""Bytes of a body."""


class Wanted(Struct, forbid_unknown_fields=True):
    """What is to be sent again; everything is optional."""

    endpoint: str | None = None
    since: str | None = None
    until: str | None = None
    states: Annotated[list[str], Meta(min_length=1)] | None = None


class PartView(Struct):
    """How far a replay came for one endpoint; `progress` is from 0 to 1."""

    endpoint: str
    endpoint_state: EndpointState
    since: str | None
    resent: int
    progress: float
    done: bool


class ReplayView(Struct):
    """A replay; `endpoint` is null where it is each of them."""

    id: int
    state: ReplayState
    endpoint: str | None
    since: str | None
    until: str | None
    states: tuple[str, ...]
    created: str
    finished: str | None
    resent: int
    progress: float
    endpoints: list[PartView]


class ReplaysView(Struct):
    """A page; `next` is the cursor of the following one."""

    replays: list[ReplayView]
    next: str | None


async def post_replay(request: web.Request) -> web.StreamResponse:
    """Start one."""
    parts = request.app[PARTS]
    replay = _read(parts, await _wanted(request, parts))
    return answer(_view(parts, await parts.replaying.start(replay)), 202)


async def get_replays(request: web.Request) -> web.StreamResponse:
    """Newest first."""
    parts = request.app[PARTS]
    given = asked(request, PARAMETERS, parts.clock.now())
    most = int(given.get("limit", 100))
    rows = await parts.replaying.kept.page(most + 1, int(given.get("after", 0)))
    page = [_view(parts, one) for one in rows[:most]]
    return answer(ReplaysView(page, str(page[-1].id) if len(rows) > most else None))


async def get_replay(request: web.Request) -> web.StreamResponse:
    """One, with how far it came."""
    parts = request.app[PARTS]
    return answer(_view(parts, await parts.replaying.kept.find(_number(request))))


async def delete_replay(request: web.Request) -> web.StreamResponse:
    """Cancel it: what is owed again already stays owed."""
    parts = request.app[PARTS]
    return answer(_view(parts, await parts.replaying.kept.cancel(_number(request), parts.clock.now())))


def _number(request: web.Request) -> int:
    number = request.match_info["id"]
    if not NUMBER.fullmatch(number):
        raise NotFound("a replay's id is a number; `GET /replays` lists them")
    return int(number)


async def _wanted(request: web.Request, parts: Parts) -> Wanted:
    """The body; none at all is `{}`."""
    if not request.body_exists:
        return Wanted()
    content_type(request, (JSON,), f"with curl: -H 'Content-Type: {JSON}'")
    raw = (await body(request, LIMIT, parts.stall)).strip(BLANK)
    try:
        return msgspec.json.decode(raw or b"{}", type=Wanted)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"a replay has endpoint, since, until and states, all optional: {error}") from None


def _read(parts: Parts, wanted: Wanted) -> Replay:
    now = parts.clock.now()
    names = list(parts.endpoints)
    if wanted.endpoint and wanted.endpoint not in parts.endpoints:
        raise NotFound(f"no endpoint {wanted.endpoint[:100]!r} is configured; configured: {', '.join(sorted(names))}")
    states = tuple(dict.fromkeys(wanted.states or ("dead",)))
    if unknown := [state for state in states if state not in STATES]:
        owed = "what is pending is owed anyway, and `sidecar resend ID` makes it due at once"
        detail = f"{unknown[0][:50]!r} cannot be sent again, but {' and '.join(STATES)}; {owed}"
        raise Malformed(detail, pointer="/states")
    healthy = wanted.since == HEALTHY
    since = 0 if healthy else _moment("since", wanted.since, now, f", or {HEALTHY!r}")
    wanted_by = [wanted.endpoint] if wanted.endpoint else names
    part = [ReplayPart(name, _healthy(parts, name) if healthy else since) for name in wanted_by]
    return Replay(
        id=0,
        endpoint=wanted.endpoint or "",
        since=since,
        until=_moment("until", wanted.until, now),
        healthy=healthy,
        states=states,
        created_at=now,
        state="running" if part else "done",
        finished_at=0 if part else now,
        parts=tuple(part),
    )


def _moment(name: str, text: str | None, now: int, or_else: str = "") -> int:
    try:
        return moments.read(text, now) if text else 0
    except ValueError as error:
        raise Malformed(f"{name} {error}{or_else}", pointer=f"/{name}") from None


def _healthy(parts: Parts, name: str) -> int:
    """When it was last healthy: the last success before it last began to fail or was paused, 0 for never."""
    return parts.control.health(name).healthy_until


def _view(parts: Parts, one: Replay) -> ReplayView:
    shown = [_part(parts, part) for part in one.parts]
    return ReplayView(
        id=one.id,
        state=one.state,
        endpoint=one.endpoint or None,
        since=HEALTHY if one.healthy else written_or_none(one.since),
        until=written_or_none(one.until),
        states=one.states,
        created=written(one.created_at),
        finished=written_or_none(one.finished_at),
        resent=sum(part.resent for part in shown),
        progress=round(sum(part.progress for part in shown) / len(shown), 3) if shown else 1.0,
        endpoints=shown,
    )


def _part(parts: Parts, part: ReplayPart) -> PartView:
    state: EndpointState = parts.control.health(part.endpoint).state if part.endpoint in parts.endpoints else "orphaned"
    return PartView(part.endpoint, state, written_or_none(part.since), part.resent, part.share / 1000, part.done)
