"""What a page loads beside itself. Law: it comes from here alone, under a name that changes with what is in it."""

from hashlib import sha256
from importlib.resources import files

from msgspec import Struct

TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class Asset(Struct, frozen=True):
    """A file. `path` names what is in it, so that it may be kept for ever."""

    path: str
    content: bytes
    content_type: str


def _asset(name: str) -> Asset:
    content = files(__package__).joinpath("static", name).read_bytes()
    stem, _, ending = name.partition(".")
    return Asset(f"/static/{stem}.{sha256(content).hexdigest()[:12]}.{ending}", content, TYPES[ending])


ASSETS = {name: _asset(name) for name in ("status.css", "status.js", "icon.svg")}
"""By name, as templates ask for them."""
