"""What the terminal shows. Law: nothing that came from elsewhere reaches it unescaped; colour only where wanted."""

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from unicodedata import combining, east_asian_width

import click

COLOURS = {
    "delivered": "green",
    "active": "green",
    "pending": "yellow",
    "paused": "yellow",
    "delivering": "cyan",
    "dead": "red",
    "failing": "red",
    "orphaned": "magenta",
}


class Cell(NamedTuple):
    """A value of a table; `colour` is one of click's."""

    text: str
    colour: str | None = None


def clean(value: object) -> str:
    """`value` on one line, with everything a terminal might obey (controls, bidi marks) written out."""
    text = "" if value is None else str(value)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def excerpt(value: object, limit: int = 200) -> str:
    """At most `limit` characters of `value`, cleaned."""
    text = "" if value is None else str(value).strip()
    return clean(text if len(text) <= limit else text[: limit - 1] + "…")


def style(text: str, colour: str | None = None, *, bold: bool = False, dim: bool = False) -> str:
    """`text` in colour, unless NO_COLOR is set; click takes the colour away where the output is no terminal."""
    if os.environ.get("NO_COLOR"):
        return text
    return click.style(text, fg=colour, bold=bold or None, dim=dim or None)


def state(name: object) -> Cell:
    """The state of a delivery or an endpoint, in its colour."""
    return Cell(str(name), COLOURS.get(str(name)))


def width(text: str) -> int:
    """Columns that `text` takes."""
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Aligned columns, cells cleaned; a title that begins with `>` is set to the right, and empty ones make no head."""
    right = [title.startswith(">") for title in titles]
    cells = [[_cell(value) for value in row] for row in rows]
    head = [[Cell(title.lstrip(">").upper()) for title in titles]]
    widths = [max(width(row[column].text) for row in head + cells) for column in range(len(titles))]
    widths[-1] *= right[-1]  # nothing stands behind the last column
    lines = [[_pad(*parts) for parts in zip(row, widths, right, strict=True)] for row in cells]
    if any(title.lstrip(">") for title in titles):
        heads = [_pad(*parts) for parts in zip(head[0], widths, right, strict=True)]
        lines.insert(0, [style(part, dim=True) for part in heads])
    return "\n".join("  ".join(line).rstrip() for line in lines)


def _cell(value: object) -> Cell:
    cell = value if isinstance(value, Cell) else Cell("" if value is None else str(value))
    return cell._replace(text=clean(cell.text))


def _pad(cell: Cell, columns: int, right: bool) -> str:
    space = " " * max(0, columns - width(cell.text))
    text = style(cell.text, cell.colour) if cell.colour else cell.text
    return space + text if right else text + space
