"""HTTP over the sidecar's unix socket. Law: every failure is one sentence with the way out, and exit status 1."""

import json
import os
import socket
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple, NoReturn
from urllib.parse import quote, urlencode

import click

from sidecar.cli.text import clean
from sidecar.cli.where import missing, socket_path

TIMEOUT = 60.0
JSON = {"Content-Type": "application/json"}


class Failure(click.ClickException):
    """What ends a command with exit status 1: its message alone, on stderr."""

    def show(self, file: Any = None) -> None:
        click.echo(self.format_message(), err=True, file=file)


class Answer(NamedTuple):
    """What the sidecar said."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body, decoded. Raises `Failure` where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise Failure(f"sidecar: the answer ({self.status}) is not JSON: is that socket a sidecar's?") from None


class Connection(HTTPConnection):
    """`http.client` over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("sidecar", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        try:
            self.sock.settimeout(self.timeout)
            self.sock.connect(self.path)
        except OSError:
            self.close()
            raise


class Client:
    """Speaks to one sidecar; `raw`: what it answers is printed as it is."""

    def __init__(self, path: str = "", *, raw: bool = False, timeout: float = TIMEOUT) -> None:
        self.path = path or socket_path(os.environ)
        self.raw = raw
        self.timeout = timeout

    def get(self, route: str, query: Mapping[str, object] | None = None) -> Answer:
        """The answer to GET; values of `query` that are None or "" are left out."""
        given = {name: value for name, value in (query or {}).items() if value not in (None, "")}
        return self.call("GET", f"{route}?{urlencode(given)}" if given else route)

    def post(self, route: str, body: bytes | None = None) -> Answer:
        return self.call("POST", route, body, JSON if body is not None else {})

    def call(
        self, method: str, target: str, body: bytes | Iterable[bytes] | None = None, headers: Mapping[str, str] = {}
    ) -> Answer:
        """One request. Raises `Failure` where there is no sidecar; a problem is an answer: see `good`."""
        connection = Connection(self.path, self.timeout)
        try:
            answer = self._exchange(connection, method, target, body, headers)
        except (OSError, HTTPException) as fault:
            why = getattr(fault, "strerror", None) or str(fault) or type(fault).__name__
            raise Failure(clean(missing(self.path, why))) from None
        finally:
            connection.close()
        return answer

    def _exchange(
        self,
        connection: Connection,
        method: str,
        target: str,
        body: bytes | Iterable[bytes] | None,
        headers: Mapping[str, str],
    ) -> Answer:
        try:
            connection.request(method, target, body, dict(headers))
        except (BrokenPipeError, ConnectionResetError):
            if connection.sock is None:
                raise
            # It answered before it had read all; what it said may still be there to read.
        response = connection.getresponse()
        return Answer(response.status, response.read())

    def good(self, answer: Answer) -> Answer:
        """`answer`, printed where that is asked for. Raises `Failure` where it tells of a problem."""
        if self.raw:
            click.echo(answer.body.rstrip(b"\n"))
        if answer.status // 100 != 2:
            refuse(answer)
        return answer


def refuse(answer: Answer) -> NoReturn:
    """Raise the problem that `answer` tells of."""
    try:
        told = json.loads(answer.body)
    except ValueError:
        told = None
    raise Failure(sentence(told if isinstance(told, dict) else {"title": f"the sidecar answered {answer.status}"}))


def sentence(problem: Mapping[str, object]) -> str:
    """`title: detail (pointer)` of RFC 9457 problem details."""
    title, detail, pointer = (clean(problem.get(name)) for name in ("title", "detail", "pointer"))
    return (": ".join(part for part in (title, detail) if part) or "refused") + (f" ({pointer})" if pointer else "")


def segment(name: str) -> str:
    """`name` as one segment of a path."""
    return quote(name, safe="")
