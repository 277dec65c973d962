"""What every dialect asks of what is handed in: JSON throughout, each name once, an id that can be one.

Law: pure. What passes here can be forwarded: it is UTF-8, it has no half characters, no NaN, and nothing that readers
could take differently.
"""

import re
from collections.abc import Collection, Mapping
from json import JSONDecoder
from typing import Any, Generic, TypeVar

from msgspec import DecodeError, Struct, ValidationError, json

from sidecar.dialects._faults import dotted, lacking, malformed, misplaced, no_event, pointer, repeated_at, twice, word
from sidecar.errors import NotAnEvent, Problem

ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
Members = dict[str, Any]
T = TypeVar("T", bound=Struct)


class _RepeatedError(Exception):
    """An object has a name twice."""


class Reader(Generic[T]):
    """Reads events of one form.

    Args:
        type: what an event has; a part that is forwarded as it came is a `Raw`.
        form: as which a person should write it.
        numbers: whether their values count; if not, all of them are 0, and none is too large.
    """

    def __init__(self, type: type[T], form: str, *, numbers: bool = True) -> None:
        self._given = json.Decoder(type)
        self._known = type.__struct_fields__
        self._form = form
        number = None if numbers else _any_number
        self._whole = JSONDecoder(object_pairs_hook=_once, parse_int=number, parse_float=number)

    def read(self, raw: bytes) -> tuple[T, Members]:
        """The event by its members, and the whole of it as Python has it. Raises `Malformed` or `NotAnEvent`."""
        try:
            text = raw.decode()  # what msgspec skips it checks for everything but this
            return self._given.decode(raw), self._whole.decode(text)
        except ValidationError as error:
            raise no_event(error, raw, self._known, self._form) from None
        except _RepeatedError:
            raise _repetition(raw) from None
        except (UnicodeDecodeError, DecodeError, RecursionError) as error:
            raise malformed(error, raw) from None
        except ValueError:  # int's own bound, of 4300 digits
            raise NotAnEvent("a number has more digits than can be read") from None


def event_id(given: str | None, ours: str) -> str:
    """The id that the event names, else ours."""
    if given is None:
        return ours
    if not ID.fullmatch(given):
        raise NotAnEvent("id: an event's id is 1 to 128 of A-Z a-z 0-9 _ . -", pointer="/id")
    return given


def plain(text: str, *places: str) -> str:
    """The text, if it has no control character."""
    if not text.isprintable() and CONTROL.search(text):
        raise NotAnEvent(f"{dotted(*places)} has a control character in it", pointer=pointer(*places))
    return text


def check(members: Members, needed: Collection[str], kinds: Mapping[str, type], place: str, whose: str) -> None:
    """Those needed are there, and of their kind; `place` is where the members are, `whose` event they are."""
    for name in needed:
        if name not in members:
            raise lacking(place, name, whose=whose)
        if name in kinds:
            check_kind(members[name], kinds[name], place, name)


def check_kind(value: object, kind: type, *places: str) -> None:
    """The value is what JSON has for `kind`; true is no number."""
    if type(value) is not kind:
        raise misplaced(word(kind), value, *places)


def _repetition(raw: bytes) -> Problem:
    try:
        return twice(*repeated_at(raw))
    except RecursionError as error:
        return malformed(error, raw)


def _once(pairs: list[tuple[str, Any]]) -> Members:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _RepeatedError
    return members


def _any_number(text: str) -> int:
    return 0
