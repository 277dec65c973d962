"""An event as the command line tells of it. Law: what a file holds goes to the socket byte for byte."""

import json
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import NamedTuple

import click

from sidecar.cli.client import Failure
from sidecar.cli.text import clean

RESOURCES = ("user", "repo", "build", "system")
FILE = click.Path(exists=True, dir_okay=False, allow_dash=True)


class Told(NamedTuple):
    """A Drone event by its parts; `files` by resource, those that are given."""

    event: str
    action: str
    id: str | None
    files: Mapping[str, str]

    @property
    def alone(self) -> bool:
        """Whether EVENT stands for itself: no other part is given."""
        return not self.action and self.id is None and not self.files

    def body(self) -> bytes:
        """The body for the socket, resources as their files hold them. Raises `Failure` where one is no JSON."""
        if list(self.files.values()).count("-") > 1:
            raise click.UsageError("standard input can be one of the resources only")
        names = {"event": self.event, "action": self.action, "id": self.id}
        members = [(name, json.dumps(value).encode()) for name, value in names.items() if value]
        members += [(name, _resource(name, file)) for name, file in self.files.items()]
        return b"{" + b",".join(b'"%b":%b' % (name.encode(), value) for name, value in members) + b"}"


def composed(command: Callable[..., None]) -> Callable[..., None]:
    """Gives `command` EVENT, ACTION and the options of an event's parts, and hands them to it as `told`."""

    @click.argument("event")
    @click.argument("action", default="")
    @click.option("--user", type=FILE, help="JSON of the user; - is standard input.")
    @click.option("--repo", type=FILE, help="JSON of the repo.")
    @click.option("--build", type=FILE, help="JSON of the build.")
    @click.option("--system", type=FILE, help="JSON of the system block, in place of the sidecar's own.")
    @click.option("--id", help="Names the event: sent twice with one id, it is delivered once.")
    @wraps(command)
    def run(*args: object, event: str, action: str, id: str | None, **rest: object) -> None:
        given = {name: rest.pop(name) for name in RESOURCES}
        files = {name: str(file) for name, file in given.items() if file}
        command(*args, told=Told(event, action, id, files), **rest)

    return run


def read(file: str, label: str) -> bytes:
    """What a file holds, - for standard input. Raises `Failure`, with `label` before the reason, where it is no
    JSON."""
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        json.loads(raw)
    except OSError as fault:
        raise Failure(f"{label}: {fault.strerror}") from None
    except ValueError as fault:
        raise Failure(f"{label}: not JSON: {clean(fault)}") from None
    return raw


def _resource(name: str, file: str) -> bytes:
    return read(file, f"--{name} {clean(file)}")
