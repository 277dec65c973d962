"""`demo`: receiver and sidecar, end to end, in a temporary folder. Law: the real program, a real receiver; it ends only
what it started; exit status 1, with the sidecar's log, where anything is not as it should be."""

import asyncio
import secrets
import signal
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import click
from aiohttp import ClientError, ClientSession, UnixConnector

from sidecar import __version__
from sidecar.cli.client import Failure
from sidecar.cli.demo_events import EVENTS, RETRIED
from sidecar.cli.demo_process import Process
from sidecar.cli.keys import DEFAULTS, Sender
from sidecar.cli.moments import elapsed
from sidecar.cli.receive import Received, Receiver
from sidecar.cli.text import clean, style
from sidecar.errors import SidecarError
from sidecar.receiver import Verified
from sidecar.settings.families import FAMILIES

HOST = "127.0.0.1"
PAUSE = 0.02
PATIENCE = 10.0
"""Seconds for any one step: far more than it takes."""

SETTINGS = {
    "DRONE_SERVER_PROTO": "https",
    "DRONE_SERVER_HOST": "drone.example.org",
    "PAGURE_APP_URL": "https://pagure.example.org/",
    "SIDECAR_ADMIN_LISTEN": "off",
    "SIDECAR_RETRY_SCHEDULE": "200ms,1s",
    "SIDECAR_LOG_FORMAT": "console",
}
WIDTH = max(len(event.name) for events in EVENTS.values() for event in events)

NEXT = """what next
  export DRONE_WEBHOOK_ENDPOINT=https://ci.example/hooks DRONE_WEBHOOK_SECRET=$(openssl rand -hex 16)
  sidecar check     shows what is configured
  sidecar serve     runs it
  sidecar emit build updated --repo repo.json --build build.json
  sidecar listen    is a receiver like the one above, for development"""


class Trouble(SidecarError):
    """The demonstration did not go as it should."""


class Stage:
    """What the acts play on: the sidecar's socket, and what comes to the receiver, in order.

    Attributes:
        failures: how many requests more the receiver answers 500.
        session: HTTP over the sidecar's socket.
    """

    def __init__(self) -> None:
        self.failures = 0
        self._arrived: asyncio.Queue[Received] = asyncio.Queue()
        self.session: ClientSession

    def report(self, received: Received) -> int:
        """The receiver's answer to a request that is right."""
        self._arrived.put_nowait(received)
        if self.failures:
            self.failures -= 1
            return 500
        return 204

    async def arrival(self, what: str, id: str) -> Verified:
        """The next request. Raises `Trouble` where none comes in time, or it is not verified, or not of event `id`."""
        try:
            received = await asyncio.wait_for(self._arrived.get(), PATIENCE)
        except TimeoutError:
            raise Trouble(f"{what}: nothing came within {PATIENCE:g} s") from None
        if received.verified is None:
            raise Trouble(f"{what}: not verified: {received.fault}")
        if received.verified.id != id:
            raise Trouble(f"{what}: event {received.verified.id} came, not {id}")
        return received.verified

    async def ask(self, method: str, route: str, body: object = None) -> dict[str, Any]:
        """The sidecar's answer. Raises `Trouble` for a problem."""
        async with self.session.request(method, f"http://sidecar{route}", json=body) as answer:
            told: dict[str, Any] = await answer.json(content_type=None)
            if answer.status // 100 != 2:
                raise Trouble(f"{method} {route}: {told.get('title')}: {told.get('detail')}")
            return told


@click.command()
def demo() -> None:
    """Run receiver, sidecar and one event of every kind, end to end, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="sidecar-") as folder:
        process = Process(Path(folder))
        try:
            asyncio.run(_play(process))
        except asyncio.CancelledError:
            raise click.Abort from None
        except (Trouble, OSError, ClientError) as trouble:
            click.echo(f"\n{style('the sidecar said', bold=True)}\n{process.log()}", err=True)
            raise Failure(f"sidecar: the demonstration failed: {clean(trouble)}") from None


async def _play(process: Process) -> None:
    """Set up, two acts, and the end."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    began = elapsed()
    stage = Stage()
    click.echo(style(f"drone-webhook-sidecar {__version__}, end to end", bold=True))
    async with AsyncExitStack() as receivers:
        environment = {**SETTINGS, **await _receivers(receivers, stage)}
        await receivers.enter_async_context(process.running(environment))
        async with ClientSession(connector=UnixConnector(process.socket)) as stage.session:
            await _ready(stage, process)
            click.echo(f"  sidecar   process {process.pid}, ready after {elapsed() - began:.1f} s")
            await _every_event(stage)
            await _a_failure(stage)
            counts = await _settled(stage)
        if status := await process.stop():
            raise Trouble(f"the sidecar ended with exit status {status}")
    told = ", ".join(f"{counts[name]} {name}" for name in ("delivered", "pending", "dead"))
    click.echo(f"\n{style('the end', bold=True)}\n  SIGTERM, exit status 0; {told}; {elapsed() - began:.1f} s in all")
    click.echo(f"\n{NEXT}")


async def _receivers(receivers: AsyncExitStack, stage: Stage) -> dict[str, str]:
    """A receiver for each dialect, with a secret of its own; the settings that send there."""
    settings: dict[str, str] = {}
    for dialect, variable in DEFAULTS.items():
        secret = secrets.token_hex(16)
        receiver = Receiver(Sender(dialect, [secret.encode()], (), ""), stage.report)
        url = f"http://{HOST}:{await receivers.enter_async_context(receiver.listening(HOST, 0))}/hooks"
        settings |= {f"{FAMILIES[dialect].prefix}ENDPOINT": url, variable: secret}
        click.echo(f"  receiver  {url}, verifies every request of {FAMILIES[dialect].group.title}")
    return settings


async def _ready(stage: Stage, process: Process) -> None:
    deadline = elapsed() + PATIENCE
    while elapsed() < deadline and not process.ended:
        try:
            async with stage.session.get("http://sidecar/readyz") as answer:
                if answer.status == 200:
                    return
        except ClientError:
            pass  # it does not listen yet
        await asyncio.sleep(PAUSE)
    raise Trouble("the sidecar ended at its start" if process.ended else "the sidecar did not get ready")


async def _every_event(stage: Stage) -> None:
    """First act: each event arrives, verified, and is what was handed in; then each endpoint's ping."""
    endpoints = (await stage.ask("GET", "/endpoints"))["endpoints"]
    for one in endpoints:
        dialect = one["dialect"]
        click.echo(f"\n{style(f'every event of {FAMILIES[dialect].group.title}, signed and delivered', bold=True)}")
        for event in EVENTS[dialect]:
            began = elapsed()
            told = await stage.ask("POST", f"/events/{dialect}", event.given)
            _show(await stage.arrival(event.name, told["id"]), began)
        began = elapsed()
        told = await stage.ask("POST", f"/endpoints/{one['name']}/ping")
        _show(await stage.arrival("ping", told["id"]), began)


async def _a_failure(stage: Stage) -> None:
    """Second act: a receiver that fails gets the same event again, signed anew."""
    click.echo(f"\n{style('the receiver fails once', bold=True)}")
    stage.failures = 1
    began = elapsed()
    told = await stage.ask("POST", "/events", RETRIED.given)
    first = await stage.arrival("build:updated", told["id"])
    _show(first, began, status=500)
    second = await stage.arrival("build:updated, again", told["id"])
    _show(second, began)
    if (first.delivery, first.attempt, second.attempt) != (second.delivery, 1, 2):
        raise Trouble("the retry is not the second attempt of the same delivery")


async def _settled(stage: Stage) -> dict[str, int]:
    """The sidecar's own account, once all is finished."""
    deadline = elapsed() + PATIENCE
    while elapsed() < deadline:
        several = [one["counts"] for one in (await stage.ask("GET", "/endpoints"))["endpoints"]]
        counts = {name: sum(one[name] for one in several) for name in several[0]}
        if not counts["pending"] and not counts["delivering"]:
            return counts
        await asyncio.sleep(PAUSE)
    raise Trouble("not all is finished, though all has arrived")


def _show(it: Verified, began: float, status: int = 204) -> None:
    mark = style("✓", "green") if status == 204 else style("✗", "red")
    took = f"{(elapsed() - began) * 1000:6.1f} ms"
    signed = style(f"{' '.join(it.schemes):<15}", "green")
    answered = style(str(status), "green" if status == 204 else "red")
    attempt = f"attempt {it.attempt} → " if it.attempt else "→ "
    subject = "" if it.subject.startswith("ping:") else it.subject
    click.echo(f"  {mark} {it.name:<{WIDTH}}  {subject:<26}  {signed}  {took}  {attempt}{answered}")
