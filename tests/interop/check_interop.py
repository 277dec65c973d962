"""Strangers in another language verify what the running sidecar sends: RFC 9421 by a secret and by Ed25519, `v1` and
`v1a`. Law: receiver.mjs has nothing of this project, and gets the keys from the sidecar itself. See `make interop`."""

import asyncio
import json
import time
from asyncio import create_subprocess_exec, subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from receivers import unused_port
from running import SECRET, build, environment, serving
from signed import BODY, plain, rfc9421, standard
from signing_keys import OLD_KEY, pem

HERE = Path(__file__).parent


class Stranger:
    """The receiver, and what it says of each request."""

    def __init__(self, program: subprocess.Process, port: int) -> None:
        self._program = program
        self.url = f"http://127.0.0.1:{port}"

    async def says(self) -> dict[str, Any]:
        assert self._program.stdout
        told: dict[str, Any] = json.loads(await asyncio.wait_for(self._program.stdout.readline(), 20))
        return told


@asynccontextmanager
async def stranger(jwks: str) -> AsyncIterator[Stranger]:
    program = await create_subprocess_exec("node", str(HERE / "receiver.mjs"), SECRET, jwks, stdout=subprocess.PIPE)
    try:
        assert program.stdout
        yield Stranger(program, json.loads(await asyncio.wait_for(program.stdout.readline(), 20))["port"])
    finally:
        program.terminate()
        await program.wait()


async def test_what_the_sidecar_sends_is_verified_by_keys_that_were_fetched_from_it(tmp_path: Path) -> None:
    admin = f"127.0.0.1:{unused_port()}"
    (tmp_path / "key.pem").write_bytes(pem() + pem(OLD_KEY))
    async with stranger(f"http://{admin}/.well-known/jwks.json") as receiver:
        settings = {
            "SIDECAR_ADMIN_LISTEN": admin,
            "SIDECAR_ENDPOINT_SECRET_URL": f"{receiver.url}/secret?token=hush&b=%20",
            "SIDECAR_ENDPOINT_SECRET_SECRET": SECRET,
            "SIDECAR_ENDPOINT_SECRET_SIGNATURES": "rfc9421,standard",
            "SIDECAR_ENDPOINT_KEY_URL": f"{receiver.url}/key",
            "SIDECAR_ENDPOINT_KEY_SIGNATURES": "rfc9421,standard",
            "SIDECAR_ENDPOINT_KEY_SIGNING_KEY_FILE": "key.pem",
            "SIDECAR_ENDPOINT_BOTH_URL": f"{receiver.url}/both",
            "SIDECAR_ENDPOINT_BOTH_SECRET": SECRET,
            "SIDECAR_ENDPOINT_BOTH_SIGNATURES": "standard",
            "SIDECAR_ENDPOINT_BOTH_SIGNING_KEY_FILE": "key.pem",
        }
        async with serving(environment(tmp_path, **settings)) as process:
            _, told = await process.post("/events", build(1))
            assert len(told["deliveries"]) == 3
            said = {one["path"]: one for one in [await receiver.says() for _ in range(3)]}
            assert await process.stop() == 0
    assert said == {
        "/secret?token=hush&b=%20": {"by": ["hmac-sha256", "v1"], **rest(told["id"], "/secret?token=hush&b=%20")},
        "/key": {"by": ["ed25519", "v1a"], **rest(told["id"], "/key")},
        "/both": {"by": ["v1", "v1a"], **rest(told["id"], "/both")},
    }


def rest(id: str, path: str) -> dict[str, str]:
    return {"id": id, "path": path, "fault": ""}


@pytest.mark.parametrize("what", ["body", "event", "path", "nothing"])
async def test_the_stranger_refuses_what_was_changed(what: str) -> None:
    """Else its yes would say little."""
    at = time.time_ns() // 1_000_000
    async with stranger("http://127.0.0.1:9/") as receiver, ClientSession() as session:
        url = f"{receiver.url}/secret"
        headers = rfc9421(standard(plain(at=at), at=at), url, at=at)
        headers |= {"X-Drone-Event": "repo"} if what == "event" else {}
        body = BODY + b" " if what == "body" else BODY
        async with session.post(f"{url}2" if what == "path" else url, data=body, headers=headers) as answer:
            status = answer.status
        said = await receiver.says()
    assert (status, said["by"]) == ((204, ["hmac-sha256", "v1"]) if what == "nothing" else (401, []))
