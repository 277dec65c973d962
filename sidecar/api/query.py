"""Parameters of a query string. Law: a parameter is understood in full, or refused by name."""

import re
from collections.abc import Callable, Mapping

from aiohttp import web

from sidecar.errors import Malformed

LIMIT = 1000
"""Entries on a page, at most."""

NUMBER = re.compile(r"[0-9]{1,18}")
"""What fits in 64 bits."""

Value = str | int
Readers = Mapping[str, Callable[[str, int], Value]]
"""By parameter, what reads its text, given the time in ms; raises ValueError, a sentence without its subject."""


def asked(request: web.Request, readers: Readers, now: int) -> dict[str, Value]:
    """What the query string asks for; an empty parameter asks for nothing. Raises `Malformed`."""
    given: dict[str, Value] = {}
    for name, text in request.query.items():
        if name not in readers:
            raise Malformed(f"there is no parameter {name[:50]!r}; there is {', '.join(readers) or 'none'}")
        if name in given:
            raise Malformed(f"{name} is given twice")
        if text:
            try:
                given[name] = readers[name](text, now)
            except ValueError as error:
                raise Malformed(f"{name} {error}") from None
    return given


def limit(text: str, _: int) -> int:
    """How many entries a page may have."""
    if not NUMBER.fullmatch(text) or not 1 <= int(text) <= LIMIT:
        raise ValueError(f"is a number from 1 to {LIMIT}")
    return int(text)


def after(text: str, _: int) -> int:
    """The cursor."""
    if not NUMBER.fullmatch(text) or not int(text):
        raise ValueError("is the `next` of the page before")
    return int(text)


def text(given: str, _: int) -> str:
    """Any text."""
    return given
