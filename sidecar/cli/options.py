"""What several commands take: the socket, lengths of time. Law: a wrong value is click's usage error, exit status 2."""

import re
from collections.abc import Callable
from functools import wraps

import click

from sidecar.cli.client import Client

SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")
SIZES = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

Command = Callable[..., None]


def length(text: str) -> int:
    """`200ms`, `15s`, `5m`, `2h`, `30d`, or a number of seconds: ms. An option's type."""
    match = SPAN.fullmatch(text.strip())
    if match is None:
        raise click.BadParameter(f"{text!r} is no length of time: write 200ms, 15s, 5m, 2h or 30d")
    return int(float(match[1]) * SIZES[match[2] or "s"])


def speaks(command: Command) -> Command:
    """Hands `command` a `Client` as its first argument, and gives it --socket and --json."""

    @click.option("--socket", "path", default="", metavar="PATH", help="The sidecar's socket.")
    @click.option("--json", "raw", is_flag=True, help="Print the socket's answer as it is.")
    @wraps(command)
    def run(*args: object, path: str, raw: bool, **kwargs: object) -> None:
        command(Client(path, raw=raw), *args, **kwargs)

    return run
