"""`/hooks`: what other machines posted, and what came of it. Law: what was refused is shown too, with its reason."""

from aiohttp import web
from msgspec import Raw, Struct

from sidecar.api.answers import answer
from sidecar.api.moments import written
from sidecar.api.parts import PARTS
from sidecar.api.query import Readers, after, asked, limit
from sidecar.incoming import Hook

PARAMETERS: Readers = {"limit": limit, "after": after}


class HookView(Struct):
    """An incoming webhook; `answer` is the JSON it was answered with, null where it was refused."""

    id: int
    at: str
    last: str
    times: int
    route: str
    outcome: str
    status: int
    reason: str
    project: str
    package: str
    forge: str
    kind: str
    delivery: str
    signature: str
    address: str
    answer: Raw


class HooksView(Struct):
    """A page; `next` is the cursor of the following one."""

    hooks: list[HookView]
    next: str | None


async def get_hooks(request: web.Request) -> web.StreamResponse:
    """Newest first."""
    parts = request.app[PARTS]
    given = asked(request, PARAMETERS, parts.clock.now())
    most = int(given.get("limit", 100))
    rows = await parts.hooks.page(most + 1, int(given.get("after", 0)))
    page = [_view(one) for one in rows[:most]]
    return answer(HooksView(page, str(page[-1].id) if len(rows) > most else None))


def _view(one: Hook) -> HookView:
    return HookView(
        id=one.id,
        at=written(one.at),
        last=written(one.last_at),
        times=one.times,
        route=one.route,
        outcome=one.outcome,
        status=one.status,
        reason=one.reason,
        project=one.project,
        package=one.package,
        forge=one.forge,
        kind=one.kind,
        delivery=one.delivery,
        signature=one.signature,
        address=one.address,
        answer=Raw(one.answer or b"null"),
    )
