"""An endpoint's secret, changed while it runs. Law: the real process, its socket, its receiver, its restart."""

import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hook import Seen, hook, say
from running import SECRET, Process, build, environment, serving, start
from simulation import simulation

from sidecar.errors import NotFound
from sidecar.model import Secret
from sidecar.receiver import verify
from sidecar.signing import InvalidSignature

NEW, NEWER = "new-hush-0123456789abcdef0123456", "newer-hush-0123456789abcdef01234"
NAMED = {"SIDECAR_ENDPOINT_CI_SECRET": SECRET, "SIDECAR_RETRY_SCHEDULE": "100ms,100ms"}
ROUTE = "/endpoints/ci/secret"


def named(folder: Path, url: str, **settings: str) -> dict[str, str]:
    return environment(folder, SIDECAR_ENDPOINT_CI_URL=url, **{**NAMED, **settings})


async def change(process: Process, method: str, secret: str = "") -> tuple[int, Any]:
    async with process.client() as session:
        async with session.request(method, ROUTE, data=secret, headers={"Content-Type": "text/plain"}) as answer:
            return answer.status, await answer.json(content_type=None)


def signed_with(seen: Seen) -> str:
    """The one secret of this file that signed the request, by every scheme."""
    found = []
    for secret in (SECRET, NEW, NEWER):
        try:
            assert verify(seen.headers, seen.body, [secret]).schemes == ("cavage", "standard")
        except InvalidSignature:
            continue
        found.append(secret)
    (one,) = found
    return one


@asynccontextmanager
async def started(folder: Path, url: str, **settings: str) -> AsyncIterator[Process]:
    async with serving(named(folder, url, **settings)) as process:
        yield process
        if process.process.returncode is None:
            assert await process.stop() == 0


async def test_it_counts_from_the_next_attempt_over_a_restart_and_until_it_is_deleted(tmp_path: Path) -> None:
    async with hook() as receiver:
        async with started(tmp_path, receiver.url) as process:
            await process.post("/events", build(1))
            await receiver.until_good(1)
            assert (await change(process, "PUT", NEW))[0] == 200
            await process.post("/events", build(2))
            await receiver.until_good(2)
            file = tmp_path / "data" / "secrets.json"
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        async with started(tmp_path, receiver.url) as process:
            assert [one["overridden"] for one in (await process.get("/endpoints"))["endpoints"]] == [True]
            await process.post("/events", build(3))
            await receiver.until_good(3)
            assert (await change(process, "DELETE"))[1]["overridden"] is False
            await process.post("/events", build(4))
            await receiver.until_good(4)
        async with started(tmp_path, receiver.url) as process:
            assert [one["overridden"] for one in (await process.get("/endpoints"))["endpoints"]] == [False]
            await process.post("/events", build(5))
            await receiver.until_good(5)
        assert [signed_with(seen) for seen in receiver.good] == [SECRET, NEW, NEW, SECRET, SECRET]


async def test_a_waiting_retry_is_signed_with_it_and_says_the_same(tmp_path: Path) -> None:
    async def answer(seen: Seen) -> web.Response:
        if seen.nth == 1:
            assert (await change(process, "PUT", NEW))[0] == 200
        return web.Response(status=503 if seen.nth == 1 else 204)

    async with hook(answer) as receiver, started(tmp_path, receiver.url) as process:
        await process.post("/events", build(1))
        await receiver.until_good(1)
        first, second = receiver.seen
        assert (signed_with(first), signed_with(second)) == (SECRET, NEW)
        assert (first.body, first.event) == (second.body, second.event)


async def test_several_lines_are_a_rotation_newest_first(tmp_path: Path) -> None:
    async with hook() as receiver, started(tmp_path, receiver.url) as process:
        await change(process, "PUT", f"{NEWER}\n{NEW}\n")
        await process.post("/events", build(1))
        await receiver.until_good(1)
        headers = receiver.good[0].headers
        assert len(headers["webhook-signature"].split(" ")) == 2
        for secret, schemes in ((NEWER, ("cavage", "standard")), (NEW, ("standard",))):
            chosen = {name: value for name, value in headers.items() if name != "Signature" or "cavage" in schemes}
            assert verify(chosen, receiver.good[0].body, [secret]).schemes == schemes


async def test_it_waits_for_an_endpoint_that_is_gone_for_a_while(tmp_path: Path) -> None:
    async with hook() as receiver:
        async with started(tmp_path, receiver.url) as process:
            await change(process, "PUT", NEW)
        async with serving(environment(tmp_path)) as process:
            assert (await change(process, "DELETE"))[0] == 404
            await process.stop()
        async with started(tmp_path, receiver.url) as process:
            await process.post("/events", build(1))
            await receiver.until_good(1)
        assert signed_with(receiver.good[0]) == NEW


async def test_it_is_shown_nowhere(tmp_path: Path) -> None:
    async with hook(say(500)) as receiver:
        async with started(tmp_path, receiver.url, SIDECAR_LOG_LEVEL="debug") as process:
            told: list[Any] = [await change(process, "PUT", NEW), await change(process, "PUT", f"{NEWER}\0")]
            await process.post("/events", build(1, id="one"))
            await receiver.until(lambda: len(receiver.seen) == 2)
            told += [await process.get(route) for route in ("/endpoints", "/deliveries/1", "/events/one", ROUTE)]
        checked = await start(named(tmp_path, receiver.url), "-m", "sidecar", "check")
        assert await checked.ended() == 0
        said = f"{process.log} {told} {checked.log}"
        assert "endpoint.secret_changed" in said
        assert not [secret for secret in (SECRET, NEW, NEWER) if secret in said]


async def test_the_dispatcher_knows_which_endpoints_there_are(tmp_path: Path) -> None:
    async with simulation(tmp_path) as it:
        it.dispatcher.set_secrets("hook", (Secret(b"new"),))
        assert it.dispatcher.overridden("hook")
        it.dispatcher.set_secrets("hook", None)
        assert not it.dispatcher.overridden("hook")
        with pytest.raises(NotFound, match="there are: hook"):
            it.dispatcher.set_secrets("old", None)
        with pytest.raises(NotFound, match="there are: hook"):
            it.dispatcher.overridden("old")


async def fails(settings: Mapping[str, str]) -> str:
    process = await start(settings)
    assert await process.ended() == 1
    (line,) = [line for line in process.log if line["event"] == "sidecar.failed"]
    detail = line["detail"]
    assert isinstance(detail, str)
    assert "hush" not in str(process.log)
    return detail


@pytest.mark.parametrize("content", ["", '{"secrets": {"ci": ["hush!"]}}'])
async def test_a_damaged_file_starts_nothing_and_is_named_with_the_way_out(tmp_path: Path, content: str) -> None:
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "secrets.json"
    file.write_text(content)
    detail = await fails(named(tmp_path, "http://127.0.0.1:1/"))
    assert detail.startswith(f"{file} is damaged: put back a copy of it, or move it away")
    assert file.read_text() == content


async def test_a_secret_that_the_endpoint_can_no_longer_sign_with_starts_nothing(tmp_path: Path) -> None:
    """It was fine while the endpoint did not sign with `standard`."""
    url = "http://127.0.0.1:1/"
    async with started(tmp_path, url, SIDECAR_ENDPOINT_CI_SIGNATURES="cavage") as process:
        assert (await change(process, "PUT", "whsec_hush!"))[0] == 200
    detail = await fails(named(tmp_path, url))
    for part in ("endpoint ci", "no base64", "standard", "secrets.json"):
        assert part in detail
