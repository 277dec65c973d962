"""`verify`: is a saved request signed by this secret? Law: each step is shown, no secret and no signature of ours."""

import base64
import binascii
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click

from sidecar import receiver
from sidecar.cli import saved
from sidecar.cli.client import Failure
from sidecar.cli.keys import Sender, keyed
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
URLS: dict[str, Callable[[str], str]] = {
    "http:// in place of https://": lambda url: url.replace("https://", "http://", 1),
    "https:// in place of http://": lambda url: url.replace("http://", "https://", 1),
    "the URL without its query": lambda url: url.partition("?")[0],
    "the URL with a / at its end": lambda url: url + "/",
    "the URL without the / at its end": lambda url: url.removesuffix("/"),
}
"""What goes wrong most often on the way of a body, a secret or a URL."""


class Case(NamedTuple):
    """What is checked: a request that may be changed, and what by."""

    request: Saved
    sender: Sender
    at: int | None
    tolerance: int

    def steps(self) -> list[Step]:
        sender = self.sender
        return receiver.steps(
            self.request.headers,
            self.request.body,
            sender.secrets,
            keys=sender.keys,
            url=sender.url or self.request.url,
            dialect=sender.dialect,
            now=self.at,
            tolerance=self.tolerance,
        )


@click.command()
@click.argument("file", type=FILE, required=False)
@click.option("--headers", type=FILE, help="The headers alone, a line each.")
@click.option("--body", type=FILE, help="The body alone, byte for byte.")
@click.option("--tolerance", type=length, help="Check the time too: how far it may be from now, such as 5m.")
@keyed
def verify(
    *, file: Path | None, headers: Path | None, body: Path | None, tolerance: int | None, sender: Sender
) -> None:
    """Check a saved request, step by step: FILE has its headers, a blank line, and the body's bytes."""
    request = _request(file, headers, body)
    case = Case(request, sender, None if tolerance is None else now(), tolerance or 0)
    steps = [*_length(request), *case.steps()]
    click.echo(table(("", "", ""), [_row(step) for step in steps]))
    faults = [step for step in steps if step.fault]
    if not faults:
        return
    for remedy in _remedies(case):
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


def _remedies(case: Case) -> Iterator[str]:
    """The one change to body, secret or URL that would make everything right, if there is one of each."""
    for several in (_bodies(case), _secrets(case), _urls(case)):
        for name, changed in several:
            if not any(step.fault for step in changed.steps()):
                yield name
                break


def _bodies(case: Case) -> Iterator[tuple[str, Case]]:
    request = case.request
    return (
        (name, case._replace(request=request._replace(body=change(request.body)))) for name, change in BODIES.items()
    )


def _secrets(case: Case) -> Iterator[tuple[str, Case]]:
    for name, change in SECRETS.items():
        try:
            changed = [change(secret) for secret in case.sender.secrets]
        except ValueError:
            continue
        if all(changed) and changed:
            yield name, case._replace(sender=case.sender._replace(secrets=changed))


def _urls(case: Case) -> Iterator[tuple[str, Case]]:
    if url := case.sender.url or case.request.url:
        yield from (
            (name, case._replace(sender=case.sender._replace(url=change(url)))) for name, change in URLS.items()
        )
