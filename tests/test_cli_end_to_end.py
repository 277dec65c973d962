"""The commands against the real sidecar, which delivers to a real receiver."""

import json
import sys
from asyncio import create_subprocess_exec, subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
from signed import KEY

from sidecar.cli.keys import Sender
from sidecar.cli.receive import Received, Receiver

REPO = b'{ "slug": "octocat/hello-world" }\n'
NAME = "127.0.0.1-{port}-hooks"


class House(NamedTuple):
    """A sidecar, its endpoint's name, and what its receiver got."""

    folder: Path
    endpoint: str
    received: list[Received]
    statuses: list[int]

    async def run(self, *arguments: str, input: bytes = b"") -> tuple[int, str, str]:
        program = await create_subprocess_exec(
            *(sys.executable, "-m", "sidecar", *arguments),
            cwd=self.folder,
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await program.communicate(input)
        return program.returncode or 0, out.decode(), err.decode()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "repo.json").write_bytes(REPO)
    received: list[Received] = []
    statuses: list[int] = []

    def report(it: Received) -> int:
        received.append(it)
        return statuses.pop() if statuses else 204

    async with Receiver(Sender("drone", [KEY], (), ""), report).listening("127.0.0.1", 0) as port:
        settings = {
            "DRONE_WEBHOOK_ENDPOINT": f"http://127.0.0.1:{port}/hooks",
            "DRONE_WEBHOOK_SECRET": KEY.decode(),
            "SIDECAR_RETRY_SCHEDULE": "100ms,100ms",
            "SIDECAR_LOG_FORMAT": "json",
        }
        (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        program = await create_subprocess_exec(
            *(sys.executable, "-m", "sidecar", "serve"), cwd=tmp_path, env={}, stdout=subprocess.PIPE
        )
        assert program.stdout
        async for line in program.stdout:
            if b"sidecar.ready" in line:
                break
        yield House(tmp_path, NAME.format(port=port), received, statuses)
        program.terminate()
        await program.communicate()
        assert program.returncode == 0


async def test_an_event_is_emitted_delivered_and_found_again(house: House) -> None:
    assert (await house.run("health"))[0] == 0
    status, out, err = await house.run(
        "emit", "repo", "enabled", "--repo", "repo.json", "--id", "evt-1", "--wait", "10s"
    )
    assert (status, err) == (0, "")
    assert "delivered  204  1 try" in out
    assert [it.verified and (it.verified.name, it.verified.id) for it in house.received] == [("repo:enabled", "evt-1")]
    _, out, _ = await house.run("deliveries", "--subject", "octocat/hello-world", "--since", "1h")
    assert out.splitlines()[1].split()[:5] == ["1", "repo:enabled", "octocat/hello-world", house.endpoint, "delivered"]
    _, out, _ = await house.run("show", "1")
    assert out.startswith("delivery 1\n")
    assert "204" in out.splitlines()[-1]
    _, out, _ = await house.run("show", "evt-1")
    assert out.startswith("event evt-1\n")
    status, out, _ = await house.run("emit", "repo", "enabled", "--repo", "repo.json", "--id", "evt-1")
    assert (status, "known already" in out) == (0, True)


async def test_an_endpoint_is_paused_resumed_and_pinged(house: House) -> None:
    assert (await house.run("pause", house.endpoint))[1] == f"{house.endpoint}: paused, 0 pending\n"
    status, _, err = await house.run("ping", house.endpoint, "--wait", "50ms")
    assert status == 1
    assert "the endpoint is paused" in err
    assert "sidecar resume" in (await house.run("endpoints"))[1]
    assert (await house.run("resume", house.endpoint))[0] == 0
    status, out, _ = await house.run("ping", house.endpoint)
    assert status == 0
    assert out.startswith(f"{house.endpoint}: delivered: 204 in ")
    status, out, err = await house.run("ping", "nobody")
    assert (status, out) == (1, "")
    assert err.startswith("Not found: ")


async def test_a_refused_delivery_is_dead_and_can_be_sent_again(house: House) -> None:
    house.statuses.append(422)
    status, out, err = await house.run("emit", "repo", "enabled", "--repo", "repo.json", "--wait")
    assert status == 1
    assert "422 refused" in out
    assert "1 of 1 dead" in err
    assert "sidecar resend 1" in (await house.run("show", "1"))[1]
    assert (await house.run("resend", "1"))[0] == 0
    assert (await house.run("resend", "99"))[0] == 1


async def test_a_stream_is_counted_and_its_bad_lines_are_told(house: House) -> None:
    good = b'{"event":"repo","action":"updated","repo":' + REPO.strip() + b"}\n"
    status, out, err = await house.run("emit", "-", input=good * 3 + b"nonsense\n" + good[:-1])
    assert status == 1
    assert out.startswith("4 accepted, 0 duplicates, 1 refused (5 events, ")
    assert err.splitlines()[0].startswith("line 4: Malformed request: ")
    status, out, _ = await house.run("deliveries", "--json", "--subject", "octocat/hello-world")
    assert status == 0
    assert len(json.loads(out)["deliveries"]) == 4
