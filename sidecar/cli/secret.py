"""`secret`. Law: a secret comes from a file or a pipe, never from an argument, which all the machine can read."""

from typing import IO

import click

from sidecar.cli.client import Client, Failure, segment
from sidecar.cli.options import speaks
from sidecar.cli.text import clean

TEXT = {"Content-Type": "text/plain"}
MOST = 64 * 1024


@click.command()
@click.argument("name")
@click.option("--file", type=click.File("rb"), help="Read it from here; - or nothing: from standard input.")
@click.option("--delete", is_flag=True, help="Go back to the configured one.")
@speaks
def secret(client: Client, name: str, *, file: IO[bytes] | None, delete: bool) -> None:
    """Sign what is sent to endpoint NAME with another secret than the configured one, from the next attempt on.

    One secret a line, newest first. It is kept over restarts, until it is deleted.
    """
    if file and delete:
        raise click.UsageError("--file sets a secret and --delete deletes it: give one of them")
    route = f"/endpoints/{segment(name)}/secret"
    answer = client.call("DELETE", route) if delete else client.call("PUT", route, _read(file), TEXT)
    endpoint = client.good(answer).json()
    if not client.raw:
        done = "the configured secret counts again" if delete else "secret set"
        click.echo(f"{clean(endpoint['name'])}: {done}, from the next attempt on")


def _read(file: IO[bytes] | None) -> bytes:
    source = file or click.open_file("-", "rb")
    if source.isatty():
        raise click.UsageError("a terminal would show the secret: give --file FILE, or pipe it in")
    content = source.read(MOST + 1)
    if len(content) > MOST:
        raise Failure(f"that is no secret: more than {MOST} bytes")
    return content
