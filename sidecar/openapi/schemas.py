"""What requests bring, in JSON Schema (2020-12), where no type of ours says it whole.

Law: a body that fits is one that is read; a rule that JSON Schema cannot say is in the description. Names, kinds and
actions are taken from the tables that the readers use.
"""

from collections.abc import Mapping
from typing import Any

from sidecar.dialects import DIALECTS
from sidecar.dialects._drone_reading import ACTIONS, KEY, NEEDED
from sidecar.dialects._launchpad_types import TYPES
from sidecar.dialects._pagure_topics import TOPICS

Schema = dict[str, Any]

ID: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,128}$", "description": "Names the event."}
TEXT: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "minLength": 1}
CONTROL_FREE = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$"
KEYED: Mapping[str, Schema] = {
    "login": {"type": "string", "pattern": CONTROL_FREE},
    "slug": {"type": "string", "pattern": CONTROL_FREE},
    "number": {"type": "integer", "minimum": 0},
}


def ref(name: str) -> Schema:
    """The schema of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


def one_of(*names: str) -> Schema:
    """A text that is one of these."""
    return {"type": "string", "enum": list(names)}


def an_object(required: Mapping[str, Schema], optional: Mapping[str, Schema], description: str) -> Schema:
    """An object with these members and no other."""
    return {
        "type": "object",
        "description": description,
        "required": list(required),
        "properties": {**required, **optional},
        "additionalProperties": False,
    }


def _resource(name: str) -> Schema:
    """A resource of Drone's that has what it is known by."""
    key = KEY[name]
    return {
        "allOf": [
            ref(name.title()),
            {"type": "object", "required": [key], "properties": {key: KEYED[key]}},
        ]
    }


def _drone(event: str) -> Schema:
    needed = {"event": {"const": event}, "action": one_of(*ACTIONS[event])}
    needed |= {name: _resource(name) for name in NEEDED[event]}
    more = {"user": _resource("user"), "system": ref("System"), "id": ID}
    if event == "user":
        del more["user"]
    return an_object(needed, more, f"A {event} event. `event` may be left out where the resources tell it.")


def _pagure_msg() -> Schema:
    return {"type": "object", "description": "As Pagure's documentation of the topic has it."}


EVENTS: Mapping[str, Schema] = {
    "drone": {"anyOf": [_drone(event) for event in ACTIONS]},
    "launchpad": an_object(
        {"type": {"type": "string", "examples": sorted(TYPES)[:3]}, "payload": {"type": "object"}},
        {"target": TEXT, "id": ID},
        "An event of Launchpad's: its type, and the payload that is sent as it came.",
    ),
    "pagure": an_object(
        {"topic": {"type": "string", "examples": sorted(TOPICS)[:3]}, "project": NAME, "msg": _pagure_msg()},
        {"id": ID},
        "An event of Pagure's.",
    ),
}
assert EVENTS.keys() == DIALECTS.keys(), "every dialect has the schema of its events"


def event_of(dialect: str) -> Schema:
    """The schema of a dialect's events."""
    return ref(f"{dialect.title()}Event")


SCHEMAS: Mapping[str, Schema] = {f"{dialect.title()}Event": schema for dialect, schema in EVENTS.items()}
"""By name, beside those of types."""

SECRETS: Schema = {
    "anyOf": [
        an_object({"secret": {"type": "string", "minLength": 1, "maxLength": 256}}, {}, "One secret."),
        an_object(
            {"secrets": {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "maxItems": 8}},
            {},
            "Several, newest first.",
        ),
    ],
    "description": "1 to 8 secrets of 1 to 1024 bytes each, without NUL.",
}
