"""SIGHUP, while events flow. Law: the real process; the receiver checks by the letter of the specifications, with
nothing of the sidecar's own signing, and what it refuses is on record."""

import asyncio
import base64
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from hook import Hook, Seen, hook
from running import Process, build, environment, serving, start
from signed import BODY, b64, cavage, mac, plain
from signing_keys import KEY, OLD_KEY, kid, pem

OLD, NEW = b"0123456789abcdef0123456789abcdef", b"fedcba9876543210fedcba9876543210"


class Receiver:
    """Takes what one of its secrets signed: `cavage`, and one signature of `standard`."""

    def __init__(self, *secrets: bytes) -> None:
        self.secrets = secrets
        self.refused: list[Seen] = []

    async def answer(self, seen: Seen) -> web.Response:
        if any(self.is_right(seen, secret) for secret in self.secrets):
            return web.Response(status=204)
        self.refused.append(seen)
        return web.Response(status=401)

    def is_right(self, seen: Seen, secret: bytes) -> bool:
        headers = seen.headers
        text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + seen.body
        standard = f"v1,{b64(mac(secret, text))}" in headers["webhook-signature"].split(" ")
        return standard and headers["Signature"] == cavage(headers, secret)["Signature"]


def signatures(seen: Seen) -> int:
    return len(seen.headers["webhook-signature"].split(" "))


@asynccontextmanager
async def flowing(process: Process) -> AsyncIterator[list[str]]:
    """Events, one after another, until the block ends; their ids."""
    accepted: list[str] = []
    stop = asyncio.Event()

    async def flow() -> None:
        while not stop.is_set():
            status, told = await process.post("/events", build(len(accepted), f"octo/{len(accepted) % 5}"))
            assert status == 202
            accepted.append(told["id"])

    task = asyncio.ensure_future(flow())
    try:
        yield accepted
    finally:
        stop.set()
        await task


async def give(process: Process, file: Path, *secrets: bytes) -> None:
    """The file holds these from now on, and the process has read it."""
    times = sum(line["event"] == "config.reloaded" for line in process.log)
    file.write_bytes(b"\n".join(secrets))
    process.process.send_signal(signal.SIGHUP)
    await process.until("config.reloaded", times + 1)


async def more(receiver: Hook, count: int = 10) -> None:
    await receiver.until_good(len(receiver.good) + count)


async def test_a_secret_rotates_while_events_flow_and_nothing_is_refused_or_lost(tmp_path: Path) -> None:
    receiver, file = Receiver(OLD), tmp_path / "secret"
    file.write_bytes(OLD)
    async with hook(receiver.answer) as place:
        settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=place.url, DRONE_WEBHOOK_SECRET_FILE=str(file))
        del settings["DRONE_WEBHOOK_SECRET"]
        async with serving(settings) as process:
            async with flowing(process) as accepted:
                await more(place)
                receiver.secrets = (OLD, NEW)
                await more(place)
                await give(process, file, NEW, OLD)
                await place.until(lambda: signatures(place.seen[-1]) == 2)
                await more(place)
                await give(process, file, NEW)
                await place.until(lambda: receiver.is_right(place.seen[-1], NEW) and signatures(place.seen[-1]) == 1)
                receiver.secrets = (NEW,)
                await more(place)
            await place.until_good(len(accepted))
            assert await process.stop() == 0
        assert receiver.refused == []
        assert [seen.headers["X-Drone-Attempt"] for seen in place.seen] == ["1"] * len(accepted)
        assert {seen.event for seen in place.good} == set(accepted)
        names = [line["endpoint"] for line in process.log if line["event"] == "endpoint.reconfigured"]
        assert len(names) == 2


async def test_what_waits_for_its_next_attempt_is_signed_by_the_new_secret(tmp_path: Path) -> None:
    receiver, file = Receiver(NEW), tmp_path / "secret"
    file.write_bytes(OLD)
    async with hook(receiver.answer) as place:
        settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=place.url, DRONE_WEBHOOK_SECRET_FILE=str(file))
        del settings["DRONE_WEBHOOK_SECRET"]
        async with serving({**settings, "SIDECAR_RETRY_SCHEDULE": "300ms,300ms,300ms,1h"}) as process:
            await process.post("/events", build(1))
            await process.until("delivery.attempted")
            await give(process, file, NEW)
            await place.until_good(1)


async def test_a_fault_keeps_the_old_settings_and_says_so(tmp_path: Path) -> None:
    receiver, file = Receiver(OLD), tmp_path / "secret"
    file.write_bytes(OLD)
    async with hook(receiver.answer) as place:
        settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=place.url, DRONE_WEBHOOK_SECRET_FILE=str(file))
        del settings["DRONE_WEBHOOK_SECRET"]
        async with serving(settings) as process:
            file.unlink()
            (tmp_path / ".env").write_text("SIDECAR_TIMOUT=9s\n")
            process.process.send_signal(signal.SIGHUP)
            details = [(await process.until("config.kept", nth))["detail"] for nth in (1, 2)]
            assert min(details).startswith(f"DRONE_WEBHOOK_SECRET_FILE: '{file}"[:60])
            assert "SIDECAR_TIMOUT: unknown" in details[0] + details[1]
            await process.post("/events", build(1))
            await place.until_good(1)
            file.write_bytes(OLD)
            (tmp_path / ".env").write_text("SIDECAR_RETENTION=9d\nDRONE_WEBHOOK_EVENTS=repo:*\n")
            process.process.send_signal(signal.SIGHUP)
            pending = await process.until("config.pending")
            assert pending["detail"] == "SIDECAR_RETENTION changed: takes effect at the next start"
            assert (await process.until("endpoint.reconfigured"))["fields"] == ["events"]
            assert (await process.until("config.reloaded"))["pending"] == 1
            assert (await process.post("/events", build(2)))[1]["deliveries"] == []
            assert await process.stop() == 0


async def test_a_secret_that_was_set_at_run_time_wins_over_what_is_read_again(tmp_path: Path) -> None:
    receiver, file = Receiver(NEW), tmp_path / "secret"
    file.write_bytes(OLD)
    async with hook(receiver.answer) as place:
        settings = environment(tmp_path, SIDECAR_ENDPOINT_CI_URL=place.url, SIDECAR_ENDPOINT_CI_SECRET_FILE=str(file))
        async with serving(settings) as process:
            async with process.client() as session:
                assert (await session.put("/endpoints/ci/secret", json={"secret": NEW.decode()})).status == 200
            await give(process, file, b"x" * 32)
            await process.post("/events", build(1))
            await place.until_good(1)
            async with process.client() as session:
                assert (await session.delete("/endpoints/ci/secret")).status == 200
            receiver.secrets = (b"x" * 32,)
            await process.post("/events", build(2, "octo/2"))
            await place.until_good(2)
        assert receiver.refused == []


async def test_a_standard_secret_that_cannot_be_read_is_a_fault_also_where_it_was_set_at_run_time(
    tmp_path: Path,
) -> None:
    """`standard` comes on; the secret that was set for `cavage` alone is none of its."""
    env = tmp_path / ".env"
    env.write_text("SIDECAR_ENDPOINT_CI_SIGNATURES=cavage\n")
    secret = "whsec_" + base64.b64encode(OLD).decode()[:-2]
    settings = environment(
        tmp_path, SIDECAR_ENDPOINT_CI_URL="http://127.0.0.1:9/", SIDECAR_ENDPOINT_CI_SECRET=OLD.decode()
    )
    async with serving(settings) as process:
        async with process.client() as session:
            assert (await session.put("/endpoints/ci/secret", json={"secret": secret})).status == 200
        env.write_text("SIDECAR_ENDPOINT_CI_SIGNATURES=standard\n")
        process.process.send_signal(signal.SIGHUP)
        assert "the secret that was set for endpoint ci" in (await process.until("config.kept"))["detail"]


async def test_a_sighup_at_any_moment_ends_nothing(tmp_path: Path) -> None:
    async with serving(environment(tmp_path)) as process:
        for _ in range(20):
            process.process.send_signal(signal.SIGHUP)
        await process.until("config.reloaded")
        process.process.send_signal(signal.SIGHUP)
        assert await process.stop() == 0


async def test_what_a_drone_server_signs_with_and_what_is_wanted_of_it_follow_too(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(OLD)
    async with hook() as place:
        settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=place.url, DRONE_WEBHOOK_SECRET_FILE=str(file))
        del settings["DRONE_WEBHOOK_SECRET"]
        async with serving({**settings, "SIDECAR_LISTEN": "127.0.0.1:0"}) as process, ClientSession() as session:
            relay = f"http://{(await process.until('inbound.listening'))['address']}/hooks/drone"
            headers = cavage(plain(at=time.time_ns() // 1_000_000), NEW)
            async with session.post(relay, data=BODY, headers=headers) as answer:
                assert answer.status == 403
            (tmp_path / ".env").write_text("DRONE_WEBHOOK_EVENTS=repo:*\n")
            await give(process, file, NEW)
            assert (await process.until("config.reloaded"))["relay"] is True
            async with session.post(relay, data=BODY, headers=headers) as answer:
                assert (answer.status, (await answer.json())["deliveries"]) == (202, [])


async def test_a_signing_key_rotates_published_before_it_signs(tmp_path: Path) -> None:
    """As the page on rotation says: behind the old one first, then before it, then alone."""
    file = tmp_path / "key.pem"
    file.write_bytes(pem(OLD_KEY))
    async with hook() as place:
        settings = environment(
            tmp_path,
            SIDECAR_ENDPOINT_CI_URL=place.url,
            SIDECAR_ENDPOINT_CI_SIGNATURES="rfc9421",
            SIDECAR_ENDPOINT_CI_SIGNING_KEY_FILE=str(file),
        )
        async with serving(settings) as process:
            for number, (keys, published) in enumerate(
                (
                    ((OLD_KEY, KEY), [kid(OLD_KEY), kid(KEY)]),
                    ((KEY, OLD_KEY), [kid(KEY), kid(OLD_KEY)]),
                    ((KEY,), [kid(KEY)]),
                ),
                start=1,
            ):
                await give(process, file, *(pem(key) for key in keys))
                await process.post("/events", build(number))
                await place.until_good(number)
                told = await process.get("/.well-known/jwks.json")
                assert [key["kid"] for key in told["keys"]] == published
                assert f'keyid="{published[0]}"' in place.seen[-1].headers["Signature-Input"]


@pytest.mark.skipif(sys.platform != "linux", reason="what a process blocks is told by /proc")
async def test_a_sighup_in_the_first_moments_of_a_start_ends_nothing_and_is_heard(tmp_path: Path) -> None:
    settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT="http://127.0.0.1:9/hook")
    process = await start(settings)
    status = Path(f"/proc/{process.process.pid}/status")
    async with asyncio.timeout(30):
        while not blocks(status.read_text(encoding="ascii"), signal.SIGHUP):  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0)
    process.process.send_signal(signal.SIGHUP)
    await process.until("sidecar.ready")
    await process.until("config.reloaded")
    assert await process.stop() == 0


def blocks(status: str, number: signal.Signals) -> bool:
    """`status`: of /proc."""
    mask = int(status.split("SigBlk:", 1)[1].split(maxsplit=1)[0], 16)
    return bool(mask & 1 << number - 1)
