"""A running sidecar against its description: `make openapi-test`.

Law: every answer to whatever is asked is one that the description tells of, and none is a 500; loopback only, and it
ends by itself.

    openapi_conformance.py SCHEMATHESIS EXAMPLES [SEED]

asks the socket, and then `SIDECAR_LISTEN`, with what Schemathesis makes of docs/reference/openapi.json: right and
wrong, within the schemas and out of them; the same every time, unless there is a SEED. What goes to `/hooks/drone` is
signed on its way, as a Drone server signs, and what goes to `/webhooks/…` gets the headers of one forge: else nothing
would come past them.
"""

import asyncio
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler
from running import SECRET, Process, environment, serving

from sidecar.forges import FORGES
from sidecar.openapi.inbound import EVENTS
from sidecar.signing import digest as digest_of
from sidecar.signing import http_date, sign_cavage

ROOT = Path(__file__).parent.parent
DESCRIPTION = ROOT / "docs/reference/openapi.json"
DELETE_PACKAGE = "/api_3/package/delete/{ownername}/{projectname}/{package}"
FORGE_HEADERS = [name for forge in FORGES.values() for name in forge.TELLS]
TOLD = [(FORGES[forge].TELLS[0], event) for forge, events in EVENTS.items() for event in events]
KEPT = ("Content-Type", "Retry-After", "Allow")
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,unsupported_method"
)


async def main(program: str, examples: str, seed: str = "") -> int:
    """The exit status: 0 where the description and the sidecar agree."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = Run(program, examples, seed, folder)
        async with receiver() as url:
            settings = environment(folder, DRONE_WEBHOOK_ENDPOINT=url, SIDECAR_LISTEN="127.0.0.1:0")
            async with serving(settings) as sidecar:
                listening = await sidecar.until("inbound.listening")
                async with bridge(sidecar.socket) as socket_url, signer(f"http://{listening['address']}") as listen_url:
                    worst = await run.asked(socket_url, "--exclude-tag", await for_the_socket(sidecar))
                    worst |= await run.asked(listen_url, "--include-tag", await for_the_listener(sidecar))
                surprises = [line for line in sidecar.log if line["event"] in {"api.failed", "inbound.failed"}]
    for line in surprises:
        sys.stdout.write(f"a surprise: {line}\n")
    return 1 if surprises else worst


async def for_the_socket(sidecar: Process) -> Mapping[str, str]:
    """Things that there are, so that what asks for them gets past "there is none": their values by parameter."""
    event = {"id": "an-event", "action": "created", "repo": {"slug": "a/b"}, "build": {"number": 1}}
    status, _ = await sidecar.post("/events", event)
    assert status == 202
    await a_project(sidecar, "daily")
    await a_project(sidecar, "short-lived")
    endpoints = await sidecar.get("/endpoints")
    return {
        "path.name": endpoints["endpoints"][0]["name"],
        "path.ownername": "ana",
        "path.projectname": "daily",
        "path.package": "nano",
        "query.ownername": "ana",
        "query.projectname": "daily",
    }


async def for_the_listener(sidecar: Process) -> Mapping[str, str]:
    """A project with a secret that nobody has changed: wrong ones are answered late."""
    secret = await a_project(sidecar, "heard")
    return {"path.ownername": "ana", "path.projectname": "heard", "path.package": "nano", "path.secret": secret}


async def a_project(sidecar: Process, name: str) -> str:
    """Its secret; it has a package, of the repository of the description's example."""
    project = {"name": name, "chroots": ["fedora-44-x86_64"], "pull_requests": "open"}
    nano = {"clone_url": "https://github.com/rpms/nano", "webhook_rebuild": True}
    for path, body in (("project/add/ana", project), (f"package/add/ana/{name}/nano", nano)):
        status, answer = await sidecar.post(f"/api_3/{path}", body)
        assert status == 200, answer
    _, generated = await sidecar.post(f"/api_3/webhook/generate/ana/{name}", {})
    return str(generated["webhook_secret"])


class Run(NamedTuple):
    """How Schemathesis is run."""

    program: str
    examples: str
    seed: str
    folder: Path

    async def asked(self, url: str, which: str, given: Mapping[str, str]) -> int:
        """Its verdict on the operations with, or without, the listener's tag."""
        config = self.folder / "schemathesis.toml"
        config.write_text(configuration(given))
        examples = self.examples if which == "--exclude-tag" else str(5 * int(self.examples))  # they are few and quick
        process = await asyncio.create_subprocess_exec(
            *(Path(self.program).resolve(), "--config-file", config, "run", DESCRIPTION, "--url", url),
            *("--checks", CHECKS, "--max-examples", examples, "--phases", "examples,coverage,fuzzing"),
            *("--request-timeout", "10", "--continue-on-failure", which, "listen"),
            *(("--seed", self.seed, "--generation-database", "none") if self.seed else ("--generation-deterministic",)),
            cwd=self.folder,
        )
        return await process.wait()


def configuration(given: Mapping[str, str]) -> str:
    """Values that lead somewhere; what is deleted is another project's; and every combination of a large schema once
    is enough: the other routes that take events take the same."""
    lines = ["[parameters]", *(f"{json.dumps(name)} = {json.dumps(value)}" for name, value in given.items())]
    for path in ("/api_3/project/delete/{ownername}/{projectname}", DELETE_PACKAGE):
        lines += ["[[operations]]", f"include-path = {json.dumps(path)}"]
        lines += ['parameters = { "path.projectname" = "short-lived" }']
    for path in ("/events/{dialect}", "/explain", "/explain/{dialect}", "/hooks/drone"):
        lines += ["[[operations]]", f"include-path = {json.dumps(path)}", "phases.coverage.enabled = false"]
    return "\n".join(lines) + "\n"


@asynccontextmanager
async def receiver() -> AsyncIterator[str]:
    """Where events are delivered to."""

    async def taken(_: web.Request) -> web.Response:
        return web.Response(status=204)

    async with served(taken) as url:
        yield url


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    """A server that handles all alike; its URL."""
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def signer(target: str) -> AsyncIterator[str]:
    """A URL that leads to `target`, adding what Schemathesis cannot: signatures, and the headers of one forge."""

    async def hand_on(request: web.Request) -> web.Response:
        body = await request.read()
        headers = request.headers.copy()
        for name in ("Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect"):
            headers.popall(name, None)
        if request.path.startswith("/webhooks/"):
            for name in FORGE_HEADERS:
                headers.popall(name, None)
            headers.add(*TOLD[len(body) % len(TOLD)])
        if request.path == "/hooks/drone":
            date, digest = http_date(int(time.time() * 1000)), digest_of(body)
            headers.update(Date=date, Digest=digest, Signature=sign_cavage(SECRET.encode(), date, digest))
        async with session.request(request.method, target + request.raw_path, headers=headers, data=body) as answer:
            kept = {name: value for name, value in answer.headers.items() if name in KEPT}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    async with aiohttp.ClientSession(auto_decompress=False) as session, served(hand_on) as url:
        yield url


@asynccontextmanager
async def bridge(path: str) -> AsyncIterator[str]:
    """A URL that leads to the socket, byte for byte: Schemathesis knows TCP alone."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def both(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(path)
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))

    server = await asyncio.start_server(both, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


if __name__ == "__main__":
    logging.getLogger("aiohttp.server").disabled = True  # Schemathesis tries what is no HTTP
    os.environ.setdefault("NO_PROXY", "127.0.0.1")
    sys.exit(asyncio.run(main(*sys.argv[1:])))
