"""Three dialects at once, over the wire. Law: the real process; signatures are checked with nothing but hmac."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from aiohttp import web
from hook import Seen, hook
from running import environment, serving

KEY, SEKRIT = "K" * 40, "sekrit"
PUSH = {
    "git_repository": "/~u/p/+git/r",
    "git_repository_path": "~u/p/+git/r",
    "ref_changes": {"refs/heads/main": {"old": None, "new": {"commit_sha1": "b" * 40}}},
}
RECEIVE = {
    "topic": "git.branch.creation",
    "project": "rpms/a",
    "msg": {"authors": [], "agent": "ana", "repo": {"name": "ä"}, "branch": "main", "rev": "b" * 40},
}


def mac(key: str, body: bytes, algorithm: str) -> str:
    return hmac.new(key.encode(), body, getattr(hashlib, algorithm)).hexdigest()


def settings(folder: Path, pagure: str, launchpad: str, **more: str) -> dict[str, str]:
    return environment(
        folder,
        PAGURE_WEBHOOK_ENDPOINT=pagure,
        PAGURE_WEBHOOK_KEY=KEY,
        PAGURE_APP_URL="https://pg.example/",
        LAUNCHPAD_WEBHOOK_ENDPOINT=launchpad,
        LAUNCHPAD_WEBHOOK_SECRET=SEKRIT,
        SIDECAR_RETRY_SCHEDULE="50ms,100ms,200ms",
        **more,
    )


async def test_an_event_reaches_the_endpoints_of_its_own_dialect_only_signed_as_its_sender_would(
    tmp_path: Path,
) -> None:
    async with hook() as pagure, hook() as launchpad:
        async with serving(settings(tmp_path, pagure.url, launchpad.url)) as process:
            status, first = await process.post("/events/pagure", RECEIVE)
            assert (status, len(first["deliveries"])) == (202, 1)
            status, second = await process.post("/events/launchpad", {"type": "git:push:0.1", "payload": PUSH})
            assert (status, len(second["deliveries"])) == (202, 1)
            await pagure.until_good(1)
            await launchpad.until_good(1)
        seen = pagure.seen[0]
        assert seen.headers["X-Pagure-Signature"] == mac(KEY, seen.body, "sha1")
        assert seen.headers["X-Pagure-Signature-256"] == mac(KEY, seen.body, "sha256")
        assert (seen.headers["X-Pagure-Topic"], seen.headers["X-Pagure-Project"]) == ("git.branch.creation", "rpms/a")
        envelope = json.loads(seen.body)
        assert seen.body == json.dumps(envelope, sort_keys=True).encode()
        assert envelope["msg"]["pagure_instance"] == "https://pg.example/"
        seen = launchpad.seen[0]
        assert seen.headers["X-Hub-Signature"] == "sha1=" + mac(SEKRIT, seen.body, "sha1")
        assert seen.headers["User-Agent"].startswith("launchpad.net-Webhooks/")
        assert json.loads(seen.body) == PUSH


@pytest.mark.parametrize("dialect", ["pagure", "launchpad"])
async def test_a_retry_has_the_first_ones_body_and_number(tmp_path: Path, dialect: str) -> None:
    async def twice(seen: Seen) -> web.Response:
        return web.Response(status=404 if seen.nth < 3 else 200)

    async with hook(twice) as receiver:
        async with serving(settings(tmp_path, receiver.url, receiver.url + "2")) as process:
            event = RECEIVE if dialect == "pagure" else {"type": "git:push:0.1", "payload": PUSH}
            await process.post(f"/events/{dialect}", event)
            await receiver.until_good(1)
        assert len({seen.body for seen in receiver.seen}) == 1
        assert len({seen.event for seen in receiver.seen}) == 1
        assert len({seen.headers.get("X-Launchpad-Delivery") for seen in receiver.seen}) == 1


async def test_a_ping_is_each_dialects_own(tmp_path: Path) -> None:
    async with hook() as receiver:
        urls = receiver.url, receiver.url + "2"
        async with serving(settings(tmp_path, *urls, DRONE_WEBHOOK_ENDPOINT=receiver.url + "3")) as process:
            names = [endpoint["name"] for endpoint in (await process.get("/endpoints"))["endpoints"]]
            assert len(names) == 3
            for name in names:
                assert (await process.post(f"/endpoints/{name}/ping"))[0] == 202
            await receiver.until_good(3)
        bodies = {seen.body for seen in receiver.seen}
        assert b'{"event":"ping","action":""}' in bodies
        assert b'{"ping": true}' in bodies
        assert any(b"Test.notification" in body for body in bodies)


async def test_without_a_secret_launchpads_hook_is_not_signed(tmp_path: Path) -> None:
    async with hook() as receiver:
        given = settings(tmp_path, "", receiver.url)
        del given["LAUNCHPAD_WEBHOOK_SECRET"]
        async with serving(given) as process:
            await process.post("/events/launchpad", {"type": "git:push:0.1", "payload": PUSH})
            await receiver.until_good(1)
        assert "X-Hub-Signature" not in receiver.seen[0].headers


async def test_a_ref_pattern_keeps_pushes_of_other_branches_away(tmp_path: Path) -> None:
    async with hook() as receiver:
        given = settings(tmp_path, "", receiver.url, LAUNCHPAD_WEBHOOK_GIT_REF_PATTERN="refs/heads/foo[-_]bar")
        async with serving(given) as process:
            assert (await process.post("/events/launchpad", {"type": "git:push:0.1", "payload": PUSH}))[1][
                "deliveries"
            ] == []
            push = {**PUSH, "ref_changes": {"refs/heads/foo-bar": {"old": None, "new": {"commit_sha1": "b" * 40}}}}
            await process.post("/events/launchpad", {"type": "git:push:0.1", "payload": push})
            await receiver.until_good(1)
