"""How one value is written and read: durations, sizes, rates, modes, addresses, lists.

Law: text in, value out; what cannot be read raises `ValueError`, each of its arguments one line of what is wrong and
how to mend it. A kind that may hold a secret never repeats its text.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct

from sidecar.dialects.patterns import check_glob

Parse = Callable[[str, Path], Any]
"""A value from its text; relative paths start at the folder."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Kind(Struct, frozen=True):
    """How a setting's text is read.

    Attributes:
        word: what the reference page calls it.
        parse: raises `ValueError`, one argument for each fault.
        secret: the text is never shown.
        file: reads the value that `<NAME>_FILE` points to; None where there is no such form.
    """

    word: str
    parse: Parse
    secret: bool = False
    file: Parse | None = None


SPANS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
SIZES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
RATES = {"s": 1, "m": 60, "h": 3_600}

_TRUTH = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}  # what Go's strconv.ParseBool takes
_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?")
_BITS = 0o777
_OWNER = 0o600
_PORTS = 65_535
_WAITS = 50


def quoted(text: str) -> str:
    """The text as a message may show it: cut, in quotes, without control characters."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def items(text: str) -> list[str]:
    """The members of a list, separated by commas or newlines; raises `ValueError` where it holds separators alone."""
    found = [part for part in (part.strip() for part in re.split(r"[,\r\n]", text)) if part]
    if not found:
        raise ValueError("holds no item; write at least one, or unset it")
    return found


def each(parts: Iterable[str], parse: Callable[[str], Any]) -> tuple[Any, ...]:
    """All the parts, parsed; raises one `ValueError` with the faults of them all."""
    values: list[Any] = []
    wrong: list[str] = []
    for part in parts:
        try:
            values.append(parse(part))
        except ValueError as error:
            wrong.extend(error.args)
    if wrong:
        raise ValueError(*wrong)
    return tuple(values)


def is_host(text: str) -> bool:
    """Whether it is a host name or an address (IPv6 without brackets)."""
    if ":" not in text:
        return bool(_HOST.fullmatch(text))
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def shown_duration(span: int) -> str:
    """A span of ms as a user would write it: 90000 is `90s`."""
    return _in_units(span, SPANS) if span else "0s"


def shown_size(size: int) -> str:
    """A number of bytes as a user would write it: 1048576 is `1MiB`."""
    return _in_units(size, SIZES)


def _in_units(amount: int, units: dict[str, int]) -> str:
    unit = max((unit for unit in units if amount % units[unit] == 0), key=units.__getitem__)
    return f"{amount // units[unit]}{unit}"


def _amount(text: str, word: str, units: dict[str, int], such_as: str) -> int:
    found = re.fullmatch(rf"([0-9]{{1,12}})({'|'.join(units)})", text)
    if not found:
        choice = ", ".join(units)
        raise ValueError(f"{quoted(text)} is no {word}; write a whole number and one of {choice}, such as {such_as}")
    return int(found[1]) * units[found[2]]


def _span(text: str) -> int:
    return _amount(text, "duration", SPANS, "15s")


def _size(text: str) -> int:
    return _amount(text, "size", SIZES, "64KiB")


def _bounded(text: str, value: int, least: int, most: int, allowed: str) -> int:
    if not least <= value <= most:
        raise ValueError(f"{quoted(text)} is out of range; write {allowed}")
    return value


def duration(low: str, high: str) -> Kind:
    """A span in ms, written as `200ms`, `15s`, `5m`, `2h`, `30d`."""
    least, most, allowed = _span(low), _span(high), f"{low} to {high}"
    return Kind(f"duration, {allowed}", lambda text, _: _bounded(text, _span(text), least, most, allowed))


def size(low: str, high: str) -> Kind:
    """A number of bytes, written as `64KiB`, `1MiB`."""
    least, most, allowed = _size(low), _size(high), f"{low} to {high}"
    return Kind(f"size, {allowed}", lambda text, _: _bounded(text, _size(text), least, most, allowed))


def number(low: int, high: int) -> Kind:
    """A whole number."""

    def parse(text: str, folder: Path) -> int:
        if not re.fullmatch("[0-9]{1,12}", text):
            raise ValueError(f"{quoted(text)} is no whole number; write {low} to {high}")
        return _bounded(text, int(text), low, high, f"{low} to {high}")

    return Kind(f"number, {low} to {high}", parse)


def choice(*words: str) -> Kind:
    """One of the words, in any case."""

    def parse(text: str, folder: Path) -> str:
        if text.lower() not in words:
            raise ValueError(f"{quoted(text)} is unknown; write {one_of(words)}")
        return text.lower()

    return Kind(one_of(f"`{word}`" for word in words), parse)


def one_of(words: Iterable[str]) -> str:
    """`a, b or c`."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def boolean(text: str, folder: Path) -> bool:
    """As Go's `strconv.ParseBool`."""
    if text not in _TRUTH:
        raise ValueError(f"{quoted(text)} is no boolean; write true or false")
    return _TRUTH[text]


def mode(text: str, folder: Path) -> int:
    """Permission bits, in octal."""
    if not re.fullmatch("(?:0o)?[0-7]{1,5}", text):
        raise ValueError(f"{quoted(text)} is no file mode; write it in octal, such as 0660")
    bits = int(text.removeprefix("0o"), 8)
    if bits > _BITS:
        raise ValueError(f"{quoted(text)} is out of range; write 0600 to 0777")
    if bits & _OWNER != _OWNER:
        raise ValueError(f"{quoted(text)} shuts out the owner; write 0600 to 0777, such as 0660")
    return bits


def rate(text: str, folder: Path) -> float:
    """Attempts a second, of `100/s`, `30/m`, `10/h`."""
    found = re.fullmatch("([0-9]{1,6})/([smh])", text)
    if not found:
        raise ValueError(f"{quoted(text)} is no rate; write a whole number and /s, /m or /h, such as 100/s")
    if not 1 <= int(found[1]) <= 100_000:
        raise ValueError(f"{quoted(text)} is out of range; write 1 to 100000 and /s, /m or /h")
    return int(found[1]) / RATES[found[2]]


def schedule(text: str, folder: Path) -> tuple[int, ...]:
    """The waits between attempts, in ms."""
    wait = duration("1ms", "7d").parse
    waits = each(items(text), lambda part: wait(part, folder))
    if len(waits) > _WAITS:
        raise ValueError(f"has {len(waits)} waits; write 1 to {_WAITS}")
    return waits


def address(text: str, folder: Path) -> str:
    """`host:port` to listen on, "" for `off`. Port 0 takes any free one."""
    if text.lower() == "off":
        return ""
    host, port = split_address(text)
    if not is_host(host) or (":" in host) != text.startswith("["):
        raise ValueError(f"{quoted(text)} is no address; write host:port, such as 127.0.0.1:8484, or off")
    if not re.fullmatch("[0-9]{1,5}", port) or int(port) > _PORTS:
        raise ValueError(f"{quoted(text)} has no valid port; write host:port with a port of 0 to {_PORTS}, or off")
    return text


def split_address(text: str) -> tuple[str, str]:
    """Host, without the brackets of IPv6, and port of a `host:port`."""
    host, _, port = text.rpartition(":")
    return (host[1:-1] if host.startswith("[") and host.endswith("]") else host), port


def hosts(text: str, folder: Path) -> tuple[str, ...]:
    """Host names and addresses, in lower case, IPv6 without brackets."""

    def one(part: str) -> str:
        host = part[1:-1] if part.startswith("[") and part.endswith("]") else part
        if not is_host(host):
            raise ValueError(f"{quoted(part)} is no host name; write it without scheme, port and path")
        return host.lower()

    return each(items(text), one)


def networks(text: str, folder: Path) -> tuple[Network, ...]:
    """CIDRs; an empty text is none."""

    def one(part: str) -> Network:
        try:
            network = ipaddress.ip_network(part, strict=False)
        except ValueError:
            raise ValueError(f"{quoted(part)} is no network; write a CIDR, such as 10.0.0.0/8") from None
        if "/" in part and network.network_address != ipaddress.ip_interface(part).ip:
            raise ValueError(f"{quoted(part)} has bits set behind its prefix; write {network}")
        return network

    return each(items(text), one) if text else ()


def globs(text: str, folder: Path) -> tuple[str, ...]:
    """Patterns of Go's `filepath.Match`."""

    def one(part: str) -> str:
        if wrong := check_glob(part):
            raise ValueError(f"{quoted(part)} is no pattern ({wrong}); write it as for Go's filepath.Match")
        return part

    return each(items(text), one)


def patterns(text: str, folder: Path) -> tuple[str, ...]:
    """Patterns of `fnmatch`."""
    return each(items(text), _pattern)


def pattern(text: str, folder: Path) -> tuple[str, ...]:
    """One pattern of `fnmatch`: a git ref may hold a comma."""
    return (_pattern(text),)


def _pattern(part: str) -> str:
    """`fnmatch` takes anything; what no git ref may hold (git-check-ref-format) is a slip."""
    if re.search(r"[\x00-\x1f\x7f]", part):
        raise ValueError(f"{quoted(part)} holds a control character, and no git ref does; leave it out")
    return part


def server(text: str, folder: Path) -> str:
    """`host` or `host:port`, as Drone's own setting."""
    host, port = split_address(text)
    if is_host(text) or (is_host(host) and re.fullmatch("[0-9]{1,5}", port)):
        return text
    raise ValueError(f"{quoted(text)} is no host; write host or host:port, without scheme and path")


def engine(text: str, folder: Path) -> str:
    """The outbox's engine. The text may be a URL with a password: it is not repeated."""
    if text.lower() != "sqlite":
        raise ValueError("names an engine that is not there; write sqlite")
    return "sqlite"


def no_proxy(text: str, folder: Path) -> tuple[str, ...]:
    """Hosts, domains, addresses and CIDRs that are reached without a proxy."""
    return tuple(part.lower() for part in re.split(r"[,\s]+", text) if part)


BOOLEAN = Kind("boolean", boolean)
MODE = Kind("mode, 0600 to 0777", mode)
RATE = Kind("rate", rate)
SCHEDULE = Kind("durations", schedule)
ADDRESS = Kind("host:port", address)
HOSTS = Kind("hosts", hosts)
NETWORKS = Kind("CIDRs", networks)
GLOBS = Kind("globs", globs)
PATTERNS = Kind("patterns", patterns)
PATTERN = Kind("pattern", pattern)
SERVER = Kind("host", server)
ENGINE = Kind("engine", engine, secret=True)
NO_PROXY = Kind("hosts", no_proxy)
