"""What is wrong with what was handed in, in words, with an RFC 6901 pointer to the member at fault.

Law: pure, and only on the way to an error: nothing here needs to be quick. What came is quoted in short, and only
names: values may hold what nobody should read.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from json import JSONDecoder
from typing import Any

from msgspec import DecodeError, Raw, ValidationError, json

from sidecar.errors import Malformed, NotAnEvent, Problem

PLACE = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>\$.*)`)?", re.DOTALL)
STEP = re.compile(r"\.(?P<member>\w+)|\[(?P<index>\d+)\]")
LONE = re.compile(rb"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]", re.DOTALL)
SHORT = 60
NEAR = 0.7
"""From here on two names are one with a slip; `completed` is no `created`."""

Trail = tuple["Trail", str] | None
"""A place by its last step and the way there."""

_syntax = json.Decoder(Raw)
_members = json.Decoder(dict[str, Raw])
_pairs = JSONDecoder(object_pairs_hook=tuple, parse_int=str, parse_float=str)


def malformed(error: UnicodeDecodeError | DecodeError | RecursionError, raw: bytes) -> Malformed:
    """The body is no JSON that can be forwarded."""
    match error:
        case UnicodeDecodeError():
            return Malformed(f"not JSON: byte {error.start} is no UTF-8")
        case RecursionError():
            return Malformed("nested too deeply to be read")
        case _ if LONE.search(raw):
            return Malformed("not JSON: it has half of a surrogate pair, which is no character")
        case _:
            return Malformed(f"not JSON: {error}")


def no_event(error: ValidationError, raw: bytes, known: Iterable[str], form: str) -> Problem:
    """The event as a whole does not fit; `known` are its members, `form` is what it looks like. What is no JSON at all
    is called so first."""
    try:
        _syntax.decode(raw)
        names: Iterable[str] = _members.decode(raw)
    except ValidationError:
        return NotAnEvent(f"an event is a JSON object, {form}")
    except (DecodeError, RecursionError) as broken:
        return malformed(broken, raw)
    known = list(known)
    for name in names:
        if name not in known:
            return NotAnEvent(f"an event has no member {unknown(name, known)}", pointer=pointer(name))
    return misfit(error)


def misfit(error: ValidationError, member: str = "") -> NotAnEvent:
    """A value does not fit what belongs in its place; `member` is where the decoder began."""
    found = PLACE.fullmatch(str(error))
    what, path = found.group("what", "path") if found else (str(error), "")
    places = [member] if member else []
    steps = STEP.finditer((path or "").partition("[...]")[0])
    places += [step["member"] or step["index"] for step in steps]
    shown = ".".join(places)
    return NotAnEvent(f"{shown}: {_lowered(what.replace('`', ''))}", pointer=pointer(*places))


def repeated(raw: bytes, wanted: str = "") -> str:
    """The first name, or `wanted` and no other, that the object `raw` has twice; "" for none."""
    seen: set[str] = set()
    pairs: Any = _pairs.decode(raw.decode())
    for name, _ in pairs:
        if name in seen and wanted in {"", name}:
            return str(name)
        seen.add(name)
    return ""


def repeated_at(raw: bytes) -> list[str]:
    """The place of a name that is there twice in its object, at whatever depth; empty for none."""
    todo: list[tuple[Trail, Any]] = [(None, _pairs.decode(raw.decode()))]
    while todo:
        trail, value = todo.pop()
        if isinstance(value, tuple):
            seen: set[str] = set()
            for name, inner in value:
                if name in seen:
                    return _places((trail, name))
                seen.add(name)
                todo.append(((trail, name), inner))
        elif isinstance(value, list):
            todo += [((trail, str(index)), inner) for index, inner in enumerate(value)]
    return []


def twice(*places: str) -> NotAnEvent:
    """A member is given twice."""
    return NotAnEvent(
        f"{dotted(*places)} is given twice; receivers would differ in which they take", pointer=pointer(*places)
    )


def lacking(*places: str, whose: str) -> NotAnEvent:
    """A member is not there, and `whose` event needs it."""
    return NotAnEvent(f"{dotted(*places)} is missing; {whose} needs it", pointer=pointer(*places))


def misplaced(wanted: str, found: object, *places: str) -> NotAnEvent:
    """A value is of another JSON type than the one that is `wanted`, such as `an object`."""
    return NotAnEvent(f"{dotted(*places)}: expected {wanted}, got {word(type(found))}", pointer=pointer(*places))


def word(kind: type) -> str:
    """JSON's word for what Python reads it as."""
    return WORDS.get(kind, "another")


WORDS = {
    dict: "an object",
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}


def unknown(name: str, known: Iterable[str]) -> str:
    """The name in short, and what to write instead: `'reop'; did you mean repo?`"""
    known = list(known)
    if near := nearest(name, known):
        return f"{quoted(name)}; did you mean {near}?"
    return f"{quoted(name)}; there is {', '.join(known)}"


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that this one is with a slip, "" for none."""
    return next(iter(get_close_matches(name[:SHORT].lower(), list(known), 1, NEAR)), "")


def quoted(name: str) -> str:
    """The name in quotes and in short."""
    return repr(_cut(name))


def dotted(*places: str) -> str:
    """The place as a person reads it: `msg.branch`."""
    return ".".join([_cut(place) for place in places])


def pointer(*places: str) -> str:
    """RFC 6901."""
    return "".join(["/" + place.replace("~", "~0").replace("/", "~1") for place in places])


def _cut(name: str) -> str:
    return name if len(name) <= SHORT else name[:SHORT] + "…"


def _places(trail: Trail) -> list[str]:
    places: list[str] = []
    while trail:
        trail, place = trail
        places.append(place)
    return places[::-1]


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
