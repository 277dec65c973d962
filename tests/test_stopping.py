"""A graceful stop. Law: the application ends first; what it says at its end is taken, and delivered while the sidecar
drains.
"""

import asyncio
import signal
import sys
from pathlib import Path

from receivers import answers, receiving, status
from running import environment, serving

APP = Path(__file__).parent.parent / "deploy/kubernetes/app.py"


async def app(socket: str) -> asyncio.subprocess.Process:
    """The sample application, with a build in hand that takes an hour."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", str(APP), "--every", "3600"),
        env={"SIDECAR_SOCKET": socket},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    assert await process.stdout.readline() == b"build 1 running\n"
    return process


async def test_the_last_event_of_an_application_that_stops_first_is_delivered_within_the_drain(tmp_path: Path) -> None:
    async with receiving(answers(status("204 No Content"))) as receiver:
        async with serving(environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=receiver.url("/hooks"))) as sidecar:
            application = await app(sidecar.socket)
            application.send_signal(signal.SIGTERM)
            said, _ = await application.communicate()
            assert (application.returncode, said) == (0, b"build 1 killed\n")
            assert await sidecar.stop() == 0
            stopped = await sidecar.until("sidecar.stopped")
        assert (stopped["waiting"], stopped["drained"]) == (0, True)
        assert [b'"killed"' in request.body for request in receiver.received] == [False, True]


async def test_an_application_tells_again_what_was_not_taken_and_it_comes_once(tmp_path: Path) -> None:
    """A sidecar that is restarted, as for a new version, under an application that runs on."""
    async with receiving(answers(status("204 No Content"))) as receiver:
        settings = environment(tmp_path, DRONE_WEBHOOK_ENDPOINT=receiver.url("/hooks"))
        async with serving(settings) as sidecar:
            application = await app(sidecar.socket)
            assert await sidecar.stop() == 0
        application.send_signal(signal.SIGTERM)
        async with serving(settings) as sidecar:
            said, _ = await application.communicate()
            assert (application.returncode, said) == (0, b"build 1 killed\n")
            assert await sidecar.stop() == 0
        assert [b'"killed"' in request.body for request in receiver.received] == [False, True]
