"""`demo`, `check` and `serve`, as real programs."""

import os
import sys
from asyncio import create_subprocess_exec, subprocess
from pathlib import Path

import pytest

from sidecar.cli.demo_events import EVENTS


async def run(folder: Path, *arguments: str, **environ: str) -> tuple[int, str, str]:
    """The program in `folder`: exit status, stdout, stderr."""
    program = await create_subprocess_exec(
        *(sys.executable, "-m", "sidecar", *arguments),
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await program.communicate()
    return program.returncode or 0, out.decode(), err.decode()


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_the_demo_delivers_every_event_and_leaves_nothing_behind(tmp_path: Path) -> None:
    status, out, err = await run(tmp_path, "demo", TMPDIR=str(tmp_path), SIDECAR_TIMEOUT="nonsense", HTTP_PROXY="x")
    assert (status, err) == (0, "")
    for events in EVENTS.values():
        for event in events:
            assert f"✓ {event.name} " in out
    assert [out.count(f"✓ {name} ") for name in ("ping", "Test.notification")] == [2, 1]
    assert "attempt 1 → 500" in out
    assert "attempt 2 → 204" in out
    sent = {dialect: len(events) + 1 for dialect, events in EVENTS.items()}
    assert out.count("cavage standard") == sent["drone"] + 2
    assert out.count("sha1 ") == sent["pagure"] + sent["launchpad"]
    assert f"exit status 0; {sum(sent.values()) + 1} delivered, 0 pending, 0 dead" in out
    assert "sidecar emit build updated" in out
    assert left_in(tmp_path) == []


async def test_a_demo_that_fails_shows_the_sidecar_s_log_and_exits_1(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)  # too long for a socket's path
    folder.mkdir()
    status, _, err = await run(tmp_path, "demo", TMPDIR=str(folder))
    assert status == 1
    assert "SIDECAR_SOCKET" in err
    assert err.endswith("sidecar: the demonstration failed: the sidecar ended at its start\n")
    assert left_in(folder) == []


async def test_a_demo_that_is_stopped_ends_what_it_started(tmp_path: Path) -> None:
    program = await create_subprocess_exec(
        *(sys.executable, "-m", "sidecar", "demo"),
        env={"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert program.stdout
    async for line in program.stdout:
        if b"process" in line:
            child = int(line.split()[2].rstrip(b","))
            break
    program.terminate()
    _, err = await program.communicate()
    assert (program.returncode, err) == (1, b"Aborted!\n")
    assert left_in(tmp_path) == []
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


async def test_check_shows_what_is_configured_and_no_secret(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DRONE_WEBHOOK_SECRET=hush-hush\n")
    url = "https://me:hush@ci.example/hooks?token=hush"
    status, out, err = await run(tmp_path, "check", DRONE_WEBHOOK_ENDPOINT=url, SIDECAR_TIMEOUT="7s")
    assert status == 0
    assert "https://ci.example/hooks" in out
    assert "1 secret" in out
    assert "7s" in out
    assert "no fault; endpoints: 1" in out
    assert err.startswith("warning: DRONE_WEBHOOK_SECRET: ")
    assert "hush" not in out + err


@pytest.mark.parametrize("command", ["check", "serve"])
async def test_every_fault_of_a_configuration_is_a_line_and_nothing_starts(tmp_path: Path, command: str) -> None:
    faulty = {"SIDECAR_TIMEOUT": "soon", "DRONE_WEBHOOK_ENDPONT": "x"}
    status, out, err = await run(tmp_path, command, **faulty)
    assert (status, out) == (2, "")
    assert {line.split(":")[1].strip() for line in err.splitlines()} == set(faulty)
    assert all(line.startswith("sidecar: ") for line in err.splitlines())
    assert left_in(tmp_path) == []
