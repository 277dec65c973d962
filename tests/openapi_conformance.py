"""A running sidecar against its description: `make openapi-test`.

Law: every answer to whatever is asked is one that the description tells of, and none is a 500; loopback only, and it
ends by itself.

    openapi_conformance.py SCHEMATHESIS EXAMPLES [SEED]

asks the socket with what Schemathesis makes of docs/reference/openapi.json: right and wrong, within the schemas and out
of them; the same every time, unless there is a SEED.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from aiohttp import web
from running import Process, environment, serving

ROOT = Path(__file__).parent.parent
DESCRIPTION = ROOT / "docs/reference/openapi.json"
DELETE_PACKAGE = "/api_3/package/delete/{ownername}/{projectname}/{package}"
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,unsupported_method"
)


async def main(program: str, examples: str, seed: str = "") -> int:
    """The exit status: 0 where the description and the sidecar agree."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with receiver() as url, serving(environment(folder, DRONE_WEBHOOK_ENDPOINT=url)) as sidecar:
            config = folder / "schemathesis.toml"
            config.write_text(configuration(await prepared(sidecar)))
            async with bridge(sidecar.socket) as port:
                status = await asked(program, config, f"http://127.0.0.1:{port}", examples, seed)
            surprises = [line for line in sidecar.log if line["event"] == "api.failed"]
    for line in surprises:
        sys.stdout.write(f"a surprise: {line}\n")
    return 1 if surprises else status


async def prepared(sidecar: Process) -> Mapping[str, str]:
    """Things that there are, so that what asks for them gets past "there is none": their values by parameter."""
    status, event = await sidecar.post(
        "/events", {"id": "an-event", "action": "created", "repo": {"slug": "a/b"}, "build": {"number": 1}}
    )
    assert status == 202, event
    nano = {"clone_url": "https://github.com/rpms/nano", "webhook_rebuild": True}
    for name in ("daily", "short-lived"):
        project = {"name": name, "chroots": ["fedora-44-x86_64"], "pull_requests": "open"}
        status, _ = await sidecar.post("/api_3/project/add/ana", project)
        assert status == 200
        status, _ = await sidecar.post(f"/api_3/package/add/ana/{name}/nano", nano)
        assert status == 200
    endpoints = await sidecar.get("/endpoints")
    return {
        "path.name": endpoints["endpoints"][0]["name"],
        "path.ownername": "ana",
        "path.projectname": "daily",
        "path.package": "nano",
        "query.ownername": "ana",
        "query.projectname": "daily",
    }


async def asked(program: str, config: Path, url: str, examples: str, seed: str) -> int:
    """Schemathesis' own verdict."""
    process = await asyncio.create_subprocess_exec(
        *(Path(program).resolve(), "--config-file", str(config), "run", str(DESCRIPTION), "--url", url),
        *("--checks", CHECKS, "--max-examples", examples, "--phases", "examples,coverage,fuzzing"),
        *("--request-timeout", "10", "--continue-on-failure"),
        *(("--seed", seed, "--generation-database", "none") if seed else ("--generation-deterministic",)),
        cwd=config.parent,
    )
    return await process.wait()


def configuration(given: Mapping[str, str]) -> str:
    """Values that lead somewhere; what is deleted is another project's; and every combination of a large schema once
    is enough: the other routes that take events take the same."""
    lines = ["[parameters]", *(f"{json.dumps(name)} = {json.dumps(value)}" for name, value in given.items())]
    for path in ("/api_3/project/delete/{ownername}/{projectname}", DELETE_PACKAGE):
        lines += ["[[operations]]", f"include-path = {json.dumps(path)}"]
        lines += ['parameters = { "path.projectname" = "short-lived" }']
    for path in ("/events/{dialect}", "/explain", "/explain/{dialect}"):
        lines += ["[[operations]]", f"include-path = {json.dumps(path)}", "phases.coverage.enabled = false"]
    return "\n".join(lines) + "\n"


@asynccontextmanager
async def receiver() -> AsyncIterator[str]:
    """Where events are delivered to."""

    async def taken(_: web.Request) -> web.Response:
        return web.Response(status=204)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", taken)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def bridge(path: str) -> AsyncIterator[int]:
    """A port that leads to the socket, byte for byte: Schemathesis knows TCP alone."""

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
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


if __name__ == "__main__":
    os.environ.setdefault("NO_PROXY", "127.0.0.1")
    sys.exit(asyncio.run(main(*sys.argv[1:])))
