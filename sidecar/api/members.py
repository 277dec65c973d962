"""A JSON body of members that are known. Law: a fault names the member, never its value, which may be a secret."""

import re
from typing import TypeVar

from aiohttp import web
from msgspec import DecodeError, ValidationError, json

from sidecar.errors import Malformed, Problem, TooLarge
from sidecar.web.reading import JSON, body, content_type

T = TypeVar("T")

LIMIT = 64 * 1024
"""Bytes of a body."""

WAY_OUT = f"with curl: -H 'Content-Type: {JSON}'"
PLACE = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)


class NotUsable(Problem):
    """A member is missing, unknown, of the wrong type, or cannot be taken."""

    status = 422
    title = "Not usable"


async def members(request: web.Request, kind: type[T], stall: float) -> T:
    """The body as `kind` has it; no body is as good as `{}`. Raises a `Problem`."""
    raw = b"{}"
    if request.body_exists:
        content_type(request, (JSON,), WAY_OUT)
        try:
            raw = await body(request, LIMIT, stall)
        except TooLarge:
            raise TooLarge(f"a body may have {LIMIT} bytes here") from None
    try:
        return json.decode(raw, type=kind)
    except ValidationError as error:
        raise _misfit(str(error), kind) from None
    except (DecodeError, RecursionError, UnicodeDecodeError):
        raise Malformed("the body is not JSON") from None


def not_usable(detail: str, *places: str) -> NotUsable:
    """The member at `places` cannot be taken."""
    return NotUsable(f"{'.'.join(places)} {detail}", pointer="".join(["/" + place for place in places]))


def _misfit(told: str, kind: type) -> NotUsable:
    found = PLACE.fullmatch(told)
    what, path = found.group("what", "path") if found else (told, "")
    what = what.replace("`", "")
    if "unknown field" in what:
        what = f"{what}; there is {', '.join(getattr(kind, '__struct_fields__', ()))}"
    shown = (path or "").partition("[...]")[0]
    pointer = "".join(["/" + step for step in re.split(r"[.\[\]]+", shown) if step])
    return NotUsable(f"{shown or 'the body'}: {what[:1].lower()}{what[1:]}", pointer=pointer)
