"""`verify`: is a saved request signed by this secret? Law: each step is shown, no secret and no signature of ours."""

import base64
import binascii
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from sidecar import receiver
from sidecar.cli import saved
from sidecar.cli.client import Failure
from sidecar.cli.keys import keyed
from sidecar.cli.moments import now
from sidecar.cli.options import length
from sidecar.cli.saved import Saved
from sidecar.cli.text import Cell, clean, table
from sidecar.receiver import Step

FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)

BODIES: dict[str, Callable[[bytes], bytes]] = {
    "the body without the newline at its end": lambda body: body.removesuffix(b"\n").removesuffix(b"\r"),
    "the body with a newline at its end": lambda body: body + b"\n",
    "the body with line ends of LF": lambda body: body.replace(b"\r\n", b"\n"),
    "the body with line ends of CRLF": lambda body: body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
}
SECRETS: dict[str, Callable[[bytes], bytes]] = {
    "the secret without the blanks around it": bytes.strip,
    "the secret with a newline at its end": lambda secret: secret + b"\n",
    "the secret read as hexadecimal": binascii.unhexlify,
    "the secret read as base64": lambda secret: base64.b64decode(secret, validate=True),
}
"""What goes wrong most often on the way of a body or a secret."""


@click.command()
@click.argument("file", type=FILE, required=False)
@click.option("--headers", type=FILE, help="The headers alone, a line each.")
@click.option("--body", type=FILE, help="The body alone, byte for byte.")
@click.option("--dialect", type=click.Choice(list(receiver.DIALECTS)), default="drone", show_default=True)
@click.option("--tolerance", type=length, help="Check the time too: how far it may be from now, such as 5m.")
@keyed
def verify(
    *,
    file: Path | None,
    headers: Path | None,
    body: Path | None,
    dialect: str,
    tolerance: int | None,
    secrets: list[bytes],
) -> None:
    """Check a saved request, step by step: FILE has its headers, a blank line, and the body's bytes."""
    request = _request(file, headers, body)
    at = None if tolerance is None else now()

    def check(request: Saved, keys: Sequence[bytes]) -> list[Step]:
        return receiver.steps(*request, keys, dialect=dialect, now=at, tolerance=tolerance or 0)

    steps = [*_length(request), *check(request, secrets)]
    click.echo(table(("", "", ""), [_row(step) for step in steps]))
    faults = [step for step in steps if step.fault]
    if not faults:
        return
    for remedy in _remedies(request, secrets, check):
        click.echo(f"it would be right with {remedy}", err=True)
    raise Failure(f"not verified: {faults[0].name}")


def _request(file: Path | None, headers: Path | None, body: Path | None) -> Saved:
    """What was saved. Raises `Failure` where it is no request."""
    if (file is None) == (headers is None) or (headers is None) != (body is None):
        raise click.UsageError("give a file, or both --headers and --body")
    source = file or headers
    try:
        if file is not None:
            return saved.whole(_read(file))
        assert headers is not None
        assert body is not None
        return Saved(saved.fields(_read(headers)), _read(body))
    except OSError as fault:
        raise Failure(f"{clean(source)}: {fault.strerror}") from None
    except ValueError as fault:
        raise Failure(f"{clean(source)}: {fault}") from None


def _read(file: Path) -> bytes:
    return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()


def _length(request: Saved) -> Iterator[Step]:
    """Content-Length, where it was saved too: a body that lost or gained a byte on its way shows here first."""
    told = request.headers.get("content-length")
    if told is not None:
        right = told == str(len(request.body))
        yield Step("length", "" if right else f"Content-Length says {told}, the body has {len(request.body)} bytes")


def _row(step: Step) -> list[object]:
    mark = Cell("✗", "red") if step.fault else Cell("✓", "green")
    return [mark, step.name, step.fault or "right"]


def _remedies(
    request: Saved, keys: Sequence[bytes], check: Callable[[Saved, Sequence[bytes]], list[Step]]
) -> Iterator[str]:
    """The one change to body or secret that would make everything right, if there is one."""
    for name, change in BODIES.items():
        if not any(step.fault for step in check(request._replace(body=change(request.body)), keys)):
            yield name
            return
    for name, change in SECRETS.items():
        try:
            changed = [change(key) for key in keys]
        except ValueError:
            continue
        if all(changed) and not any(step.fault for step in check(request, changed)):
            yield name
            return
