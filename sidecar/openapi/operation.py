"""What an operation is: what is asked, and every answer there is.

Law: frozen values. An answer that is not told here fails the test that asks a running sidecar.
"""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from sidecar import errors
from sidecar.openapi.schemas import Schema
from sidecar.web.problems import InternalError, UnknownExpectation
from sidecar.web.reading import JSON

Problems = tuple[type[errors.Problem], ...]

COMMON: Problems = (UnknownExpectation, InternalError)
"""What anything may be answered with."""


class Reply(Struct, frozen=True):
    """An answer that is no problem; `type` is what its JSON is of, None for what is described by `schema`."""

    status: int
    description: str
    type: Any = None
    kind: str = JSON
    schema: Schema = {}
    more: Mapping[str, Schema] = {}


class Parameter(Struct, frozen=True):
    """A parameter; one in a path is always there."""

    name: str
    where: Literal["path", "query", "header"]
    schema: Schema
    description: str


class Operation(Struct, frozen=True, kw_only=True):
    """What is done by a method at a path. `bodies` are by content type, a
    type of ours or a schema; `example` is one in JSON; `server` is where it is served."""

    method: str
    path: str
    summary: str
    replies: tuple[Reply, ...]
    problems: Problems = ()
    parameters: tuple[Parameter, ...] = ()
    bodies: Mapping[str, Schema | type[Struct]] = {}
    is_body_needed: bool = True
    example: Any = None
    tag: str = "events"
    server: Literal["socket", "listen"] = "socket"


def one_page(cursor: str, what: str) -> tuple[Parameter, ...]:
    """The parameters that say which part of a list is wanted."""
    return (
        Parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": 1000}, "At most so many; 100."),
        Parameter(cursor, "query", {"type": "integer", "minimum": 0}, what),
    )
