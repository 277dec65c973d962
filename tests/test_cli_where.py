"""Where the socket is, the probe that asks it, and what is said where nobody answers."""

import sys
from asyncio import create_subprocess_exec, subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cli_stub import Stub, stub

from sidecar.cli.where import socket_path

HEAVY = {
    "click",
    "aiohttp",
    "asyncio",
    "msgspec",
    "apsw",
    "structlog",
    "http.client",
    "pathlib",
    "argparse",
    "sidecar.app",
}


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[Stub]:
    async with stub(tmp_path) as it:
        yield it


async def run(folder: Path, *arguments: str, **environ: str) -> tuple[int, str, str]:
    """The real program in `folder`: exit status, stdout, stderr."""
    program = await create_subprocess_exec(
        *(sys.executable, "-m", "sidecar", *arguments),
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await program.communicate()
    return program.returncode or 0, out.decode(), err.decode()


@pytest.mark.parametrize(
    ("environ", "dotenv", "path"),
    [
        ({}, "", "./data/sidecar.sock"),
        ({"SIDECAR_SOCKET": "/run/s"}, "SIDECAR_SOCKET=/other", "/run/s"),
        ({"SIDECAR_DATA_DIR": "/var/lib/s"}, "", "/var/lib/s/sidecar.sock"),
        ({"SIDECAR_DATA_DIR": "/var/lib/s"}, "SIDECAR_SOCKET=/run/s", "/run/s"),
        ({"SIDECAR_SOCKET": " "}, "SIDECAR_SOCKET=/run/s", "./data/sidecar.sock"),
        ({}, "\ufeffSIDECAR_SOCKET=/run/s # mine", "/run/s"),
        ({}, "OTHER='\nexport SIDECAR_SOCKET = '/run/my s' # mine", "/run/my s"),
        ({}, 'SIDECAR_SOCKET="/run/\\"s\\""\n#SIDECAR_SOCKET=/no', '/run/"s"'),
        ({}, "SIDECAR_SOCKET_MODE=0600\nSIDECAR_DATA_DIR=/a\nSIDECAR_DATA_DIR=/b#c", "/b#c/sidecar.sock"),
    ],
)
def test_the_socket_is_found_as_the_settings_find_it(
    environ: dict[str, str], dotenv: str, path: str, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(dotenv)
    assert socket_path(environ, str(tmp_path / ".env")) == path


def test_a_missing_dotenv_is_no_matter(tmp_path: Path) -> None:
    assert socket_path({}, str(tmp_path / ".env")) == "./data/sidecar.sock"


@pytest.mark.parametrize("command", [["health"], ["endpoints"], ["health", "--live"], ["show", "17", "--json"]])
async def test_no_sidecar_names_the_path_tried_and_the_way_out(command: list[str], tmp_path: Path) -> None:
    status, out, err = await run(tmp_path, *command)
    assert (status, out) == (1, "")
    assert f"{tmp_path}/data/sidecar.sock: No such file" in err
    for way in ("sidecar serve", "--socket", "SIDECAR_SOCKET", "SIDECAR_DATA_DIR"):
        assert way in err
    assert len(err.splitlines()) == 1


async def test_a_stale_socket_is_no_sidecar(sidecar: Stub, tmp_path: Path) -> None:
    stale = tmp_path / "stale.sock"
    stale.touch()
    result = await sidecar.run("endpoints", "--socket", str(stale))
    assert result.exit_code == 1
    assert f"{stale}: Connection refused" in result.stderr


async def test_health_is_0_when_ready_and_1_with_the_reasons_when_not(sidecar: Stub, tmp_path: Path) -> None:
    sidecar.says("GET /readyz", {"status": "ready"})
    assert await run(tmp_path, "health", SIDECAR_SOCKET=sidecar.path) == (0, "", "")
    sidecar.says("GET /readyz", {"status": "unready", "reasons": ["the disk is full", "draining"]}, status=503)
    expected = (1, "", "sidecar: the disk is full; draining\n")
    assert await run(tmp_path, "health", "--socket", sidecar.path) == expected
    assert (await run(tmp_path, "health", "--json", "--socket", sidecar.path))[1].startswith('{"status": "unready"')
    sidecar.says("GET /healthz", {"status": "alive"})
    assert await run(tmp_path, "health", "--live", f"--socket={sidecar.path}") == (0, "", "")


async def test_health_through_click_is_the_same(sidecar: Stub, tmp_path: Path) -> None:
    sidecar.says("GET /readyz", b"broken", status=503)
    result = await sidecar.run("health", "--json")
    assert (result.exit_code, result.stdout) == (1, "broken\n")
    assert result.stderr == "sidecar: /readyz answered 503\n"
    status, out, _ = await run(tmp_path, "health", "--help")
    assert status == 0
    assert "--live" in out
    assert (await run(tmp_path, "health", "--lively"))[0] == 2


async def modules(folder: Path, command: str, *options: str, **environ: str) -> set[str]:
    """What the program had imported when it ended well."""
    script = f"""
import sys
sys.argv[1:] = [{command!r}]
from sidecar.__main__ import main
try:
    status = main()
except SystemExit as end:
    status = end.code or 0
print(status, *sys.modules)
"""
    program = await create_subprocess_exec(
        *(sys.executable, *options, "-c", script),
        env={"PYTHONPATH": str(Path(__file__).parent.parent), **environ},
        cwd=folder,
        stdout=subprocess.PIPE,
    )
    status, *names = (await program.communicate())[0].decode().splitlines()[-1].split()
    assert status == "0"
    return set(names)


async def test_health_imports_nothing_heavy(sidecar: Stub, tmp_path: Path) -> None:
    sidecar.says("GET /readyz", {"status": "ready"})
    assert not HEAVY & await modules(tmp_path, "health", "-S", SIDECAR_SOCKET=sidecar.path)


async def test_other_commands_do_not_import_the_server_s_parts(sidecar: Stub, tmp_path: Path) -> None:
    sidecar.says("GET /endpoints", {"endpoints": [], "next": None})
    servers = {"aiohttp", "asyncio", "msgspec", "apsw", "sidecar.app", "sidecar.settings"}
    assert not servers & await modules(tmp_path, "endpoints", SIDECAR_SOCKET=sidecar.path)
    assert not servers & await modules(tmp_path, "--help")


def test_every_command_of_the_table_is_there() -> None:
    from sidecar.cli.main import COMMANDS, commands  # noqa: PLC0415 - optional: the tests above do without

    context = commands.make_context("sidecar", ["check"])
    for name, (_, line) in COMMANDS.items():
        command = commands.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert line.endswith(".")
        assert command.help
