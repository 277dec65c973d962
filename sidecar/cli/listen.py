"""`listen`: a receiver for development. Law: a line a request, verified or not; the first signal ends it, exit 0."""

import asyncio
import errno
import signal

import click

from sidecar.cli.client import Failure
from sidecar.cli.keys import Sender, keyed
from sidecar.cli.moments import of_day
from sidecar.cli.options import length
from sidecar.cli.receive import Received, Receiver
from sidecar.cli.text import clean, excerpt, style


@click.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=9000, show_default=True, help="0: any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--status", type=click.IntRange(200, 599), default=204, show_default=True, help="Answer what is right so."
)
@click.option("--tolerance", type=length, default="5m", show_default=True, help="How old a request may be.")
@keyed
def listen(*, port: int, host: str, status: int, tolerance: int, sender: Sender) -> None:
    """Receive webhooks, verify each, print it and answer; for development."""

    def report(received: Received) -> int:
        click.echo(line(received, status))
        return status

    receiver = Receiver(sender, report, tolerance=tolerance)
    try:
        asyncio.run(_listen(receiver, host, port))
    except OSError as fault:
        raise Failure(_refused(host, port, fault)) from None


def line(received: Received, status: int) -> str:
    """A request in a line: when, what, whose, how it was signed."""
    at = of_day(received.at)
    it = received.verified
    if it is None:
        return f"{at}  {style('✗ 401', 'red')}  {excerpt(received.fault)}"
    mark = style(f"✓ {status}", "green")
    numbers = [f"{name} {value}" for name, value in (("delivery", it.delivery), ("attempt", it.attempt)) if value]
    signed = style(" ".join(it.schemes), "green")
    parts = [f"{clean(it.name):<15}", clean(it.subject) or "-", signed, clean(it.id), *numbers]
    return "  ".join([at, mark, *(part for part in parts if part)])


async def _listen(receiver: Receiver, host: str, port: int) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with receiver.listening(host, port) as bound:
        shown = f"[{host}]" if ":" in host else host
        click.echo(f"listening on http://{shown}:{bound}/ ; stop with ^C", err=True)
        await stopped.wait()


def _refused(host: str, port: int, fault: OSError) -> str:
    match fault.errno:
        case errno.EADDRINUSE:
            return f"sidecar: port {port} of {host} is in use: choose another with --port (0: any that is free)"
        case errno.EACCES:
            return f"sidecar: port {port} needs rights that you have not: choose one above 1023 with --port"
        case _:
            return f"sidecar: cannot listen on {host}, port {port}: {fault.strerror or fault}"
