"""An hour in the life of a sidecar, for pictures and for looking at pages: always the same, down to the minute.

Law: what is shown is told by the real pages over real answers; only the hour is made up.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from admin_rig import Admin, administered
from api_rig import build
from clocks import NOON
from msgspec import convert, json

from sidecar.incoming import Hook
from sidecar.model import (
    Attempt,
    Dead,
    Delivered,
    Endpoint,
    Health,
    Outcome,
    Response,
    RetryAt,
    Secret,
    Settlement,
    Unreachable,
    Verdict,
)

KEY = (Secret(b"k" * 32),)
SUBJECTS = ("octocat/hello-world", "octocat/spoon-knife", "acme/web", "acme/api", "acme/infra", "tools/release")
MINUTE = 60_000
REFUSED = Unreachable("refused", "chat.example:443 refused the connection: nobody listens there")
BUSY = Response(503, b'{"error": "maintenance", "until": "08:10"}', "300")
HOSTILE = Response(422, b"<script>alert('receiver')</script><b onmouseover=alert(1)>no such job</b>")

ENDPOINTS = (
    Endpoint("ci.example-hooks", "drone", "https://ci.example/hooks?token=hush", KEY),
    Endpoint("chat.example-notify", "drone", "https://chat.example/notify", KEY, events=("build:*",)),
    Endpoint("audit", "drone", "https://audit.internal.example/v1/events", KEY),
    Endpoint("mirror", "drone", "https://mirror.example/hooks/drone", KEY, events=("repo:*", "build:*")),
)


def answer(random: Random, name: str, minute: int) -> tuple[Outcome, Verdict]:
    """What becomes of an attempt."""
    if name == "chat.example-notify" and minute >= 47:
        return REFUSED, RetryAt(NOON + 64 * MINUTE)
    if name == "audit" and minute in (21, 58):
        return HOSTILE, Dead("refused")
    if random.random() < (0.2 if name == "audit" else 0.02):
        return BUSY, RetryAt(NOON + (minute + 1) * MINUTE)
    return Response(random.choice((200, 202, 204)), b""), Delivered()


async def attempt(admin: Admin, name: str, outcome: Outcome, verdict: Verdict, took: int) -> bool:
    """One attempt of the next delivery that is due; True if there was one."""
    house = admin.house
    now = house.clock.now()
    claimed = await house.outbox.claim(name, 1, now, now)
    for claim in claimed.claims:
        made = Attempt(claim.number, now - took // 1000, took, outcome)
        fault = isinstance(outcome, Unreachable) or outcome.status >= 500
        settlement = Settlement(claim, made, verdict, now, now, fault=fault)
        await house.outbox.settle(settlement)
        house.meters.attempted(settlement)
    return bool(claimed.claims)


async def came_in(admin: Admin) -> None:
    """Webhooks of forges, taken and refused."""
    taken = {"route": "webhooks", "status": 200, "project": "octocat", "forge": "github", "signature": "verified"}
    for minute, more in (
        (3, {"kind": "push", "outcome": "built", "package": "hello-world"}),
        (17, {"kind": "pull request", "outcome": "built", "package": "hello-world"}),
        (18, {"kind": "issues", "outcome": "nothing", "reason": "nothing is built for issues"}),
    ):
        at = NOON + minute * MINUTE
        await admin.house.hooks.keep(convert({**taken, "at": at, "last_at": at, "key": str(at).encode(), **more}, Hook))
    refusal = {"route": "webhooks", "outcome": "refused", "status": 403, "address": "203.0.113.7", "signature": "wrong"}
    for minute in (30, 31, 32):
        at = NOON + minute * MINUTE
        reason = "the signature is not the project's <script>alert(4)</script>"
        admin.house.hooks.note(convert({**refusal, "at": at, "last_at": at, "reason": reason}, Hook))


async def live_an_hour(admin: Admin) -> None:
    random = Random(42)
    house, number = admin.house, 1200
    for minute in range(60):
        for _ in range(random.choice((0, 1, 1, 2, 3, 5 if 20 < minute < 40 else 2))):
            number += 1
            action = random.choice(("created", "updated", "updated"))
            body = json.decode(build(number, random.choice(SUBJECTS), id=f"nightly-{number}", action=action))
            body["build"]["status"] = "success"
            await house.post("/events", json.encode(body))
            house.clock.advance(random.randrange(2000, 9000))
            for endpoint in ENDPOINTS[: 3 if minute > 35 else 4]:
                due = True
                while due:
                    outcome, verdict = answer(random, endpoint.name, minute)
                    due = await attempt(admin, endpoint.name, outcome, verdict, random.randrange(3_000, 90_000))
        house.clock.advance(NOON + (minute + 1) * MINUTE - house.clock.now())
    await came_in(admin)
    await house.post("/replays", b'{"endpoint": "audit", "states": ["dead"], "since": "20m"}')
    now = house.clock.now()
    house.control.known = {
        "ci.example-hooks": Health("active", since=NOON),
        "chat.example-notify": Health(
            "failing",
            since=NOON + 47 * MINUTE,
            reason="5 failures in a row; the last: refused: nobody listens there",
            failures=9,
            not_before=now + 83_000,
        ),
        "audit": Health("active", since=NOON),
        "mirror": Health("paused", since=NOON + 36 * MINUTE, reason="answered 410 Gone"),
    }


@asynccontextmanager
async def staged(directory: Path) -> AsyncIterator[Admin]:
    """The hour is over, and its pages are served."""
    async with administered(directory, endpoints=ENDPOINTS) as admin:
        await live_an_hour(admin)
        yield admin
