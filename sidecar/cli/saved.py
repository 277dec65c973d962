"""A request that was saved to a file. Law: the body is the bytes of the file, not one changed; no I/O here."""

import re
from typing import NamedTuple

REQUEST_LINE = re.compile(r"[A-Z]+ \S+( HTTP/\d(\.\d)?)?")
FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")  # RFC 9110, section 5
BLANK_LINE = re.compile(rb"\r?\n\r?\n")


class Saved(NamedTuple):
    """A request as it was kept; what came twice is joined, as HTTP has it. `target` is the request line's, "" for
    none."""

    headers: dict[str, str]
    body: bytes
    target: str = ""

    @property
    def url(self) -> str:
        """Where it was sent to, as far as it tells; `https` where it does not."""
        host = self.headers.get("host", "")
        return self.target if "://" in self.target else f"https://{host}{self.target}" if host and self.target else ""


def whole(raw: bytes) -> Saved:
    """A file with headers, a blank line and the body. Raises ValueError."""
    gap = BLANK_LINE.search(raw)
    if gap is None:
        raise ValueError("no blank line between headers and body")
    line = REQUEST_LINE.match(raw.lstrip(b"\r\n").decode("latin-1").split("\n")[0].removesuffix("\r"))
    return Saved(fields(raw[: gap.start()]), raw[gap.end() :], line[0].split(" ")[1] if line else "")


def fields(raw: bytes) -> dict[str, str]:
    """Headers, names in lower case; the request line before them may be left out. Raises ValueError."""
    found: dict[str, str] = {}
    for number, line in enumerate(raw.decode("latin-1").strip("\r\n").split("\n"), 1):
        text = line.removesuffix("\r")
        if number == 1 and REQUEST_LINE.fullmatch(text):
            continue
        field = FIELD.fullmatch(text)
        if field is None:
            raise ValueError(f"line {number} is no header: write Name: value")
        name, value = field[1].lower(), field[2]
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
