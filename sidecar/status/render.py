"""Templates become pages. Law: all is escaped, what a template asks for must be there, and the event loop is given back
between pieces, so that a long table holds up nobody's event."""

import asyncio
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from sidecar.spans import ago, parse, took
from sidecar.status.assets import ASSETS

PIECES = 100
"""Of a page, made without giving the loop back: less than a millisecond's work."""


def _clock(moment: str) -> str:
    """`2026-01-02T03:04:05.678Z` → `2026-01-02 03:04:05`."""
    return moment[:19].replace("T", " ")


def _is_past(moment: str, at: int) -> bool:
    return parse(moment) <= at


class _Answers(Environment):
    """Knows that what is shown is mostly answers, which are dicts: `one.state` looks there first."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


_templates = _Answers(
    loader=PackageLoader("sidecar.status"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters.update(ago=ago, took=took, clock=_clock, is_past=_is_past)
_templates.globals["assets"] = {name: asset.path for name, asset in ASSETS.items()}


def warm() -> None:
    """Compile all templates, so that nobody who looks, and no event meanwhile, waits for it. Runs on any thread."""
    for name in _templates.list_templates():
        _templates.get_template(name)


async def render(name: str, values: Mapping[str, Any]) -> str:
    """The page that the template `name` makes of `values`."""
    pieces: Iterable[str] = _templates.get_template(f"{name}.html").generate(values)
    page: list[str] = []
    while part := list(islice(pieces, PIECES)):
        page += part
        await asyncio.sleep(0)
    return "".join(page)
