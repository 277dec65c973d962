"""Webhooks in, and the real process: killed between any two steps, looped back to itself, and in a circle of two.

Law: real processes, real disks, real receivers; nothing is waited for but what is said.
"""

import asyncio
import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession
from forge_bodies import GITHUB, GITHUB_PUSH, PAGURE_PUSH, body
from hook import hook
from receivers import unused_port
from running import SECRET, Process, build, environment, serving, start

from sidecar.receiver import verify

PUSH = body(GITHUB_PUSH)
DYING = str(Path(__file__).parent / "dying.py")
STEPS = (
    "registry before 1",  # the number is not on disk
    "outbox before 1",  # the number is, the event is not
    "registry before 2",  # the event is, the memory of the delivery is not
    "registry after 2",  # all of it is, and the forge has heard of nothing
)


async def made(process: Process, clone_url: str, **edit: Any) -> str:
    """A project with one package; its webhook secret."""
    for path, given in (
        ("project/add/@rpms", {"name": "tools", "chroots": ["fedora-44-x86_64"]}),
        ("package/add/@rpms/tools/nano", {"clone_url": clone_url, "webhook_rebuild": True}),
        ("project/edit/@rpms/tools", edit),
    ):
        status, _ = await process.post(f"/api_3/{path}", given)
        assert status == 200
    _, told = await process.post("/api_3/webhook/generate/@rpms/tools", {})
    return str(told["webhook_secret"])


async def pushed(process: Process, secret: str, headers: Mapping[str, str] = GITHUB) -> tuple[int, Any]:
    address = (await process.until("inbound.listening"))["address"]
    url = f"http://{address}/webhooks/@rpms/tools/{secret}/"
    async with ClientSession() as session, session.post(url, data=PUSH, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


@pytest.mark.parametrize("step", STEPS)
async def test_killed_between_any_two_steps_the_forge_s_next_try_builds_once(tmp_path: Path, step: str) -> None:
    async with hook() as receiver:
        settings = environment(
            tmp_path, DRONE_WEBHOOK_ENDPOINT=receiver.url, SIDECAR_LISTEN="127.0.0.1:0", SIDECAR_ADMIN_LISTEN="off"
        )
        async with serving({**settings, "DIES": step}, DYING) as process:
            secret = await made(process, "https://github.com/rpms/nano")
            process.process.send_signal(signal.SIGUSR1)
            await process.until("armed")
            with pytest.raises((ClientError, OSError)):
                await pushed(process, secret)
            assert await process.ended() == -signal.SIGKILL
        async with serving(settings) as process:
            first = await pushed(process, secret)
            assert await pushed(process, secret) == first
            assert first[0] == 202
            assert [one["build"] for one in first[1]["builds"]] == [1]
            await receiver.until_good(1)
            second = await pushed(process, secret, {**GITHUB, "X-GitHub-Delivery": "another"})
            assert [one["build"] for one in second[1]["builds"]] == [2]
            await receiver.until(lambda: len({seen.event for seen in receiver.good}) == 2)
            assert await process.stop() == 0
    numbers = {seen.event: json.loads(seen.body)["build"]["number"] for seen in receiver.seen}
    assert sorted(numbers.values()) == [1, 2], "one event for each delivery, whatever died meanwhile"


async def test_our_own_pagure_dialect_posts_to_us_and_a_signed_build_comes_out(tmp_path: Path) -> None:
    pagures_own, told = "K" * 40, dict[str, Any](PAGURE_PUSH)["msg"]
    port = unused_port()
    settings = environment(tmp_path, SIDECAR_LISTEN=f"127.0.0.1:{port}", SIDECAR_ADMIN_LISTEN="off")
    async with serving(settings) as process:
        secret = await made(process, "https://pg.example/rpms/nano", forge_keys={"pagure": pagures_own})
        assert await process.stop() == 0
    async with hook() as receiver:
        looped = {
            "DRONE_WEBHOOK_ENDPOINT": receiver.url,
            "PAGURE_APP_URL": "https://pg.example/",
            "SIDECAR_ENDPOINT_LOOP_DIALECT": "pagure",
            "SIDECAR_ENDPOINT_LOOP_URL": f"http://127.0.0.1:{port}/webhooks/@rpms/tools/{secret}/",
            "SIDECAR_ENDPOINT_LOOP_SECRET": pagures_own,
            "SIDECAR_REQUIRE_FORGE_SIGNATURE": "true",
        }
        async with serving({**settings, **looped}) as process:
            push = {"topic": "git.receive", "project": "rpms/nano", "msg": told}
            status, _ = await process.post("/events/pagure", push)
            assert status == 202
            await receiver.until_good(1)
            [seen] = receiver.good
            event = verify(seen.headers, seen.body, [SECRET.encode()])
            assert event
            came = json.loads(seen.body)
            assert came["build"]["after"] == told["end_commit"]
            assert came["repo"]["slug"] == "@rpms/tools/nano"
            [logged] = (await process.get("/hooks"))["hooks"]
            assert (logged["forge"], logged["signature"]) == ("pagure", "signed: X-Pagure-Signature-256")
            assert await process.stop() == 0


async def test_two_sidecars_that_relay_to_each_other_stop_after_one_round(tmp_path: Path) -> None:
    ports = (unused_port(), unused_port())
    processes = []
    for own, other in (ports, ports[::-1]):
        folder = tmp_path / str(own)
        folder.mkdir()
        settings = environment(
            folder,
            SIDECAR_LISTEN=f"127.0.0.1:{own}",
            SIDECAR_ADMIN_LISTEN="off",
            DRONE_WEBHOOK_ENDPOINT=f"http://127.0.0.1:{other}/hooks/drone",
            DRONE_SERVER_PROTO="https",
            DRONE_SERVER_HOST=f"drone-{own}.example",
        )
        processes.append(await start(settings))
    first = processes[0]
    try:
        await asyncio.gather(*(process.until("sidecar.ready") for process in processes))
        status, _ = await first.post("/events", build(1, id="round"))
        assert status == 202
        for process in processes:
            assert (await process.until("delivery.attempted"))["verdict"] == "delivered"
        [back] = (await first.get("/hooks"))["hooks"]
        assert (back["delivery"], back["answer"]) == ("round", {"id": "round", "duplicate": True, "deliveries": []})
        for process in processes:
            deliveries = (await process.get("/deliveries"))["deliveries"]
            assert [(one["event"], one["state"], one["attempt_count"]) for one in deliveries] == [
                ("round", "delivered", 1)
            ]
    finally:
        for process in processes:
            await process.kill()
