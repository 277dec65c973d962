"""An event as the command line tells of it, in any dialect. Law: what a file holds goes to the socket byte for byte."""

import json
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import NamedTuple

import click

from sidecar.cli.client import Failure
from sidecar.cli.text import clean

FILE = click.Path(exists=True, dir_okay=False, allow_dash=True)


class Shape(NamedTuple):
    """How an event of a dialect is handed in: what EVENT is called there, its texts, and its resources."""

    name: str
    texts: tuple[str, ...]
    files: tuple[str, ...]


SHAPES: Mapping[str, Shape] = {
    "drone": Shape("event", ("action", "id"), ("user", "repo", "build", "system")),
    "pagure": Shape("topic", ("project", "id"), ("msg",)),
    "launchpad": Shape("type", ("target", "id"), ("payload",)),
}
TEXTS = tuple(dict.fromkeys(name for shape in SHAPES.values() for name in shape.texts))
FILES = tuple(dict.fromkeys(name for shape in SHAPES.values() for name in shape.files))


class Told(NamedTuple):
    """An event by its parts, those that are given; `dialect` is None where none was named, which is Drone's."""

    dialect: str | None
    event: str
    texts: Mapping[str, str]
    files: Mapping[str, str]

    @property
    def alone(self) -> bool:
        """Whether EVENT stands for itself: no other part is given."""
        return not self.texts and not self.files

    @property
    def route(self) -> str:
        """What comes behind `/events` or `/explain`."""
        return "" if self.dialect in (None, "drone") else f"/{self.dialect}"

    def body(self) -> bytes:
        """The body for the socket, resources as their files hold them. Raises `Failure` where one is no JSON."""
        shape = SHAPES[self.dialect or "drone"]
        if others := [name for name in (*self.texts, *self.files) if name not in (*shape.texts, *shape.files)]:
            what = "ACTION" if others[0] == "action" else f"--{others[0]}"
            raise click.UsageError(f"{what} is no part of an event of {self.dialect or 'drone'}")
        if list(self.files.values()).count("-") > 1:
            raise click.UsageError("standard input can be one of the resources only")
        texts = {shape.name: self.event, **{name: self.texts[name] for name in shape.texts if name in self.texts}}
        members = [(name, json.dumps(value).encode()) for name, value in texts.items()]
        members += [(name, _resource(name, self.files[name])) for name in shape.files if name in self.files]
        return b"{" + b",".join(b'"%b":%b' % (name.encode(), value) for name, value in members) + b"}"


def composed(command: Callable[..., None]) -> Callable[..., None]:
    """Gives `command` EVENT, ACTION and the options of an event's parts, and hands them to it as `told`."""

    @click.argument("event")
    @click.argument("action", default="")
    @click.option("--dialect", type=click.Choice(list(SHAPES)), help="Whose event it is.  [default: drone]")
    @click.option("--user", type=FILE, help="JSON of the user; - is standard input.")
    @click.option("--repo", type=FILE, help="JSON of the repo.")
    @click.option("--build", type=FILE, help="JSON of the build.")
    @click.option("--system", type=FILE, help="JSON of the system block, in place of the sidecar's own.")
    @click.option("--project", help="Pagure's: the project's full name.")
    @click.option("--msg", type=FILE, help="Pagure's: JSON of the message.")
    @click.option("--target", help="Launchpad's: what order is kept within.")
    @click.option("--payload", type=FILE, help="Launchpad's: JSON of the payload.")
    @click.option("--id", help="Names the event: sent twice with one id, it is delivered once.")
    @wraps(command)
    def run(*args: object, dialect: str | None, event: str, **rest: object) -> None:
        texts = {name: str(text) for name in TEXTS if (text := rest.pop(name))}
        files = {name: str(file) for name in FILES if (file := rest.pop(name))}
        command(*args, told=Told(dialect, event, texts, files), **rest)

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
