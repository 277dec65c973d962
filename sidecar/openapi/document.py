"""The description as one document. Law: the same every time it is made; nothing in it but what the tables say."""

import inspect
from collections.abc import Iterable
from typing import Any

from msgspec import Struct, json

from sidecar import errors
from sidecar.dialects import _drone_resources as drone
from sidecar.openapi.operation import COMMON, Operation, Parameter, Problems, Reply
from sidecar.openapi.operations import OPERATIONS
from sidecar.openapi.schemas import SCHEMAS, Schema, ref
from sidecar.web.problems import TYPE, Document, urn
from sidecar.web.reading import JSON

RESOURCES: tuple[type[Struct], ...] = (drone.User, drone.Repo, drone.Build, drone.System)

SERVERS = {
    "socket": {"url": "http://sidecar", "description": "The unix socket, SIDECAR_SOCKET; the host is not looked at."},
    "listen": {"url": "https://hooks.example", "description": "What SIDECAR_LISTEN serves, behind your proxy."},
}

INFO = {
    "title": "drone-webhook-sidecar",
    "version": "1",
    "summary": "Events in by a local socket, signed webhooks out, and none is lost.",
    "description": "The socket and the listener for incoming webhooks. The pages beside this file say more: socket.md,"
    " errors.md, incoming webhooks in docs/howto.",
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}


def document() -> Schema:
    """OpenAPI 3.1 (spec.openapis.org/oas/v3.1)."""
    schemas = {**{_short(name): _tidy(schema) for name, schema in MADE.items()}, **SCHEMAS}
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": [SERVERS["socket"]],
        "paths": _paths(OPERATIONS),
        "components": {
            "schemas": {name: schemas[name] for name in sorted(schemas)},
            "responses": {_title(problems): _problems(problems) for problems in _together(OPERATIONS)},
        },
    }


def _paths(operations: Iterable[Operation]) -> Schema:
    paths: Schema = {}
    for one in operations:
        item = paths.setdefault(one.path, {})
        item[one.method.lower()] = _operation(one)
    return paths


def _operation(one: Operation) -> Schema:
    made: Schema = {"operationId": _name(one), "summary": one.summary, "tags": [one.tag]}
    if one.server != "socket":
        made["servers"] = [SERVERS[one.server]]
    if one.parameters:
        made["parameters"] = [_parameter(parameter) for parameter in one.parameters]
    if one.bodies:
        made["requestBody"] = {
            "required": one.is_body_needed,
            "content": {kind: _body(kind, body, one.example) for kind, body in one.bodies.items()},
        }
    made["responses"] = _responses(one)
    return made


def _body(kind: str, body: Schema | type[Struct], example: Any) -> Schema:
    shown = {"example": example} if example is not None and kind == JSON else {}
    return {"schema": _schema(body), **shown}


def _name(one: Operation) -> str:
    words = [word for word in one.path.replace("{", "").replace("}", "").replace("-", "_").split("/") if word]
    return "_".join([one.method.lower(), *words]).replace(".", "_")


def _parameter(one: Parameter) -> Schema:
    return {
        "name": one.name,
        "in": one.where,
        "required": one.where == "path",
        "description": one.description,
        "schema": one.schema,
    }


def _responses(one: Operation) -> Schema:
    told = {reply.status: _reply(reply) for reply in one.replies}
    for problems in _by_status(one):
        # only /readyz has an answer of its own with a problem's status
        told.setdefault(problems[0].status, {"$ref": f"#/components/responses/{_title(problems)}"})
    return {str(status): told[status] for status in sorted(told)}


def _by_status(one: Operation) -> list[Problems]:
    """The problems of an operation, those of one status together."""
    found: dict[int, Problems] = {}
    for problem in dict.fromkeys((*one.problems, *COMMON)):
        found[problem.status] = (*found.get(problem.status, ()), problem)
    return list(found.values())


def _together(operations: Iterable[Operation]) -> list[Problems]:
    """All that stand together somewhere, by their title."""
    found = {_title(problems): problems for one in operations for problems in _by_status(one)}
    return [found[title] for title in sorted(found)]


def _title(problems: Problems) -> str:
    return "Or".join([problem.__name__ for problem in problems])


def _reply(reply: Reply) -> Schema:
    schema = reply.schema if reply.type is None else _schema(reply.type)
    more = {kind: {"schema": one} for kind, one in reply.more.items()}
    return {"description": reply.description, "content": {reply.kind: {"schema": schema}, **more}}


def _problems(problems: Problems) -> Schema:
    status = problems[0].status
    kinds = [urn(problem.__name__) for problem in problems]
    schema = {"allOf": [ref("Document"), {"properties": {"type": {"enum": kinds}, "status": {"const": status}}}]}
    made: Schema = {
        "description": " ".join([" ".join((inspect.getdoc(problem) or "").split()) for problem in problems]),
        "content": {TYPE: {"schema": schema}},
    }
    if status == errors.Unavailable.status:
        made["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return made


def _schema(of: Schema | type) -> Schema:
    """A schema as it is; a type's by its name."""
    return of if isinstance(of, dict) else _tidy(REFS[of])


def _short(name: str) -> str:
    """msgspec names types of one name by their modules: `sidecar.api.intake.Answer` is `IntakeAnswer` here."""
    *_, module, own = ("", *name.split("."))
    return module.title().replace("_", "") + own


def _tidy(schema: Any) -> Any:
    """msgspec's schema with our names, and without docstrings' line ends."""
    if isinstance(schema, dict):
        return {key: _text(key, value) if isinstance(value, str) else _tidy(value) for key, value in schema.items()}
    return [_tidy(one) for one in schema] if isinstance(schema, list) else schema


def _text(key: str, value: str) -> str:
    if key == "$ref":
        way, _, name = value.rpartition("/")
        return f"{way}/{_short(name)}"
    return " ".join(value.split()) if key == "description" else value


def _types() -> list[type]:
    """Of all that is asked and answered, each once."""
    types = [reply.type for one in OPERATIONS for reply in one.replies if reply.type is not None]
    types += [body for one in OPERATIONS for body in one.bodies.values() if not isinstance(body, dict)]
    return list(dict.fromkeys([*types, Document, *RESOURCES]))


def _made() -> tuple[dict[type, Schema], Schema]:
    types = _types()
    refs, schemas = json.schema_components(types, ref_template="#/components/schemas/{name}")
    return dict(zip(types, refs, strict=True)), schemas


REFS, MADE = _made()
"""By type, the reference to its schema; by msgspec's name, the schema."""
