"""Run as systemd runs it: told ready, alive and stopping, over a socket that was handed over; and its unit files.

Law: the real process, and sockets of the test's own to notify and to listen; systemd's own tools where they are.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from clocks import FakeClock
from hook import hook
from running import Process, build, environment

from sidecar import systemd
from sidecar.errors import NoSpace, Occupied
from sidecar.systemd import Notifier

UNITS = Path(__file__).parent.parent / "deploy/systemd"
HANDED = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.executable, [sys.executable, "-m", "sidecar", "serve"])
"""


class Told(asyncio.DatagramProtocol):
    """What was said to systemd, line by line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._more = asyncio.Condition()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.lines += data.decode().splitlines()
        self._task = asyncio.ensure_future(self._tell())

    async def _tell(self) -> None:
        async with self._more:
            self._more.notify_all()

    async def until(self, line: str, count: int = 1) -> None:
        async with asyncio.timeout(30), self._more:
            await self._more.wait_for(lambda: self.lines.count(line) >= count)


@asynccontextmanager
async def listening(address: str) -> AsyncIterator[Told]:
    transport, told = await asyncio.get_running_loop().create_datagram_endpoint(
        Told, local_addr=address, family=socket.AF_UNIX
    )
    try:
        yield told
    finally:
        transport.close()


async def start(settings: dict[str, str], descriptor: int) -> Process:
    """As systemd starts it: the socket is descriptor 3, and LISTEN_PID names the process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HANDED, str(descriptor)),
        env=settings,
        cwd=Path(settings["SIDECAR_SOCKET"]).parent,
        stdout=PIPE,
        stderr=STDOUT,
        pass_fds=[descriptor],
        limit=2**20,
    )
    return Process(process, settings)


async def test_systemd_is_told_ready_alive_and_stopping_and_its_socket_outlives_the_process(tmp_path: Path) -> None:
    """Who connects before it starts, or between two runs, waits and is served."""
    async with hook() as receiver, listening(str(tmp_path / "notify")) as told:
        settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=receiver.url)
        settings |= {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
        settings |= {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "socket"}
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(settings["SIDECAR_SOCKET"])
            listener.listen(16)
            for run in (1, 2):
                told.lines.clear()
                process = await start(settings, listener.fileno())
                async with asyncio.timeout(30):
                    status, _ = await process.post("/events", build(run, id=f"e{run}"))
                assert status == 202
                await receiver.until_good(run)
                await told.until("READY=1")
                await told.until("WATCHDOG=1", 3)
                assert await process.stop() == 0
                assert told.lines[-2:] == ["STOPPING=1", "STATUS=stopping: what is in flight is finished"]
                assert told.lines.index("READY=1") < told.lines.index("STOPPING=1")
                assert Path(settings["SIDECAR_SOCKET"]).is_socket()


async def test_what_is_handed_over_and_listens_nowhere_is_a_fault_that_says_so(tmp_path: Path) -> None:
    settings = {**environment(tmp_path), "LISTEN_FDS": "1"}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wrong:
        process = await start(settings, wrong.fileno())
        assert await process.ended() == 1
    assert any("ListenStream" in str(line) for line in process.log)


async def test_the_watchdog_is_fed_only_while_the_outbox_answers(tmp_path: Path) -> None:
    clock, answers = FakeClock(), asyncio.Event()

    async def alive() -> None:
        await answers.wait()

    async with listening(str(tmp_path / "n")) as told:
        feeding = asyncio.ensure_future(systemd.feed(Notifier(str(tmp_path / "n")), 3000, alive, clock))
        clock.advance(60_000)
        await asyncio.sleep(0)
        assert told.lines == []
        answers.set()
        await told.until("WATCHDOG=1")
        await clock.waiting(clock.now() + 1000)
        clock.advance(1000)
        await told.until("WATCHDOG=1", 2)
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


async def test_a_full_disk_is_no_reason_to_be_started_anew(tmp_path: Path) -> None:
    async def full() -> None:
        raise NoSpace("full")

    async with listening(str(tmp_path / "n")) as told:
        feeding = asyncio.ensure_future(systemd.feed(Notifier(str(tmp_path / "n")), 3000, full, FakeClock()))
        await told.until("WATCHDOG=1")
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


async def test_an_abstract_socket_is_understood_and_a_missing_one_harms_nobody(tmp_path: Path) -> None:
    name = f"sidecar-test-{os.getpid()}"
    async with listening(f"\0{name}") as told:
        systemd.notifier({"NOTIFY_SOCKET": f"@{name}"}).tell(READY="1", STATUS="well")
        await told.until("STATUS=well")
    for address in ("", str(tmp_path / "none"), "vsock:2:1234", f"@{name}"):
        systemd.notifier({"NOTIFY_SOCKET": address}).tell(READY="1")


@pytest.mark.parametrize(
    ("environ", "ms"),
    [
        ({}, 0),
        ({"WATCHDOG_USEC": "60000000"}, 60_000),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "7"}, 60_000),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "8"}, 0),
        ({"WATCHDOG_USEC": "soon"}, 0),
    ],
)
def test_the_watchdog_is_who_it_is_meant_for(environ: dict[str, str], ms: int) -> None:
    assert systemd.watchdog(environ, 7) == ms


def test_sockets_meant_for_another_process_are_left_alone() -> None:
    assert systemd.sockets({"LISTEN_PID": "8", "LISTEN_FDS": "3"}, 7, ("socket",)) == {}
    assert systemd.sockets({}, 7, ("socket",)) == {}


def test_a_descriptor_that_is_no_socket_is_told_of() -> None:
    with pytest.raises(Occupied, match="descriptor"):
        systemd.sockets({"LISTEN_PID": "7", "LISTEN_FDS": "99999"}, 7, ("socket",))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_unit_files_are_what_systemd_understands_and_hardened(tmp_path: Path) -> None:
    """Where it would run something that is not installed here, `true` stands for it."""
    for unit in UNITS.glob("drone-webhook-sidecar.*"):
        text = unit.read_text("utf-8").replace("/opt/drone-webhook-sidecar/bin/sidecar", shutil.which("true") or "")
        (tmp_path / unit.name).write_text(text, "utf-8")
    names = sorted(str(unit) for unit in tmp_path.iterdir())
    verified = subprocess.run(["systemd-analyze", "verify", *names], capture_output=True, text=True, check=False)
    said = [line for line in verified.stderr.splitlines() if "drone-webhook-sidecar" in line]
    assert (verified.returncode, said) == (0, [])
    service = str(tmp_path / "drone-webhook-sidecar.service")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", service]
    judged = subprocess.run(command, capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stdout


def test_the_service_may_use_all_the_time_it_needs_to_drain() -> None:
    text = (UNITS / "drone-webhook-sidecar.service").read_text("utf-8")
    assert "TimeoutStopSec=45" in text, "longer than SIDECAR_DRAIN_TIMEOUT by default, 20 s"
    assert "Type=notify" in text
    assert "WatchdogSec=" in text
