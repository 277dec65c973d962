"""What an endpoint's URL must be, and what the endpoint is called after it.

Law: a URL may hold a password: no message repeats any part of it. A name depends on the URLs, not on their order.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from sidecar.settings.values import Kind, is_host, items

_MOST = 4_096
_URI = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*")  # RFC 3986, appendix A
_PORTS = {"http": 80, "https": 443}


def fault(text: str) -> str:
    """What is wrong with an endpoint's URL and how to mend it, "" where nothing is."""
    if len(text) > _MOST:
        return f"is longer than {_MOST} characters; write a shorter one"
    if re.search(r"[\x00-\x20\x7f]", text):
        return "holds a blank or a control character; put a comma between URLs, and write a blank within one as %20"
    if not text.isascii():
        return "holds a character outside ASCII; write the host in its xn-- form and the rest percent-encoded"
    if not _URI.fullmatch(text):
        return "holds a character that no URL can hold; write it percent-encoded"
    if not re.match("https?://", text, re.IGNORECASE):
        return "does not begin with http:// or https://; write it whole, a comma within it as %2C"
    if "#" in text:
        return "has a fragment, which is never sent; leave out the # and what follows it"
    return _authority_fault(text)


def _authority_fault(text: str) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:  # its message repeats the URL
        return "has no valid host and port; write https://host:port/path"
    if not parts.hostname:
        return "has no host; write https://host/path"
    if not is_host(parts.hostname):
        return "has no valid host; write https://host/path"
    if port == 0 or parts.netloc.endswith(":"):
        return "has no valid port; write 1 to 65535, or leave out the colon"
    return ""


def url(text: str, folder: Path) -> str:
    """One endpoint's URL."""
    if wrong := fault(text):
        raise ValueError(wrong)
    return text


def urls(text: str, folder: Path) -> tuple[str, ...]:
    """URLs separated by commas or newlines, each once."""
    found = items(text)
    wrong = [f"URL {number} {reason}" for number, part in enumerate(found, 1) if (reason := fault(part))]
    if not wrong:
        first: dict[str, int] = {}
        for number, part in enumerate(found, 1):
            if (seen := first.setdefault(_canonical(part), number)) != number:
                wrong.append(f"URL {number} is the same as URL {seen}; leave one out")
    if wrong:
        raise ValueError(*wrong)
    return tuple(found)


def app_url(text: str, folder: Path) -> str:
    """Where the app itself lives; it is sent as it stands, so it must not hold a password."""
    if wrong := fault(text):
        raise ValueError(wrong)
    if "@" in urlsplit(text).netloc:
        raise ValueError("has user-info, which every receiver would see; leave it out")
    return text


def proxy(text: str, folder: Path) -> str:
    """A proxy's URL; without a scheme it is `http://`, as everywhere."""
    whole = text if "://" in text else f"http://{text}"
    if wrong := fault(whole):
        raise ValueError(wrong)
    return whole


def shown_proxy(text: str) -> str:
    """A proxy's URL without user-info, path and query."""
    if not text:
        return ""
    parts = urlsplit(text)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


URL = Kind("URL", url, secret=True)
URLS = Kind("URLs", urls, secret=True)
APP_URL = Kind("URL", app_url, secret=True)
PROXY = Kind("URL", proxy, secret=True)


def has_user_info(text: str) -> bool:
    """Whether the URL brings a user's name or password."""
    return "@" in urlsplit(text).netloc


def names(listed: Sequence[tuple[str, str]]) -> list[str]:
    """The names of endpoints given as (dialect, URL), in the order given.

    After host, port and path, in `[a-z0-9.-]`, the dialect before it unless Drone's, and 6 hex of the URL's SHA-256
    behind it where the URL has a query or user-info, or the name would be taken otherwise: by any of the rivals, so
    that their order changes nothing.
    """
    plain = [_plain(dialect, text) for dialect, text in listed]
    hashed = {place for place, (_, text) in enumerate(listed) if "?" in text or has_user_info(text) or not plain[place]}
    while True:
        found = [_hashed(name, listed[place][1]) if place in hashed else name for place, name in enumerate(plain)]
        count = Counter(found)
        rivals = {place for place, name in enumerate(found) if count[name] > 1} - hashed
        if not rivals:
            return found
        hashed |= rivals


def _plain(dialect: str, text: str) -> str:
    parts = urlsplit(text)
    words = (re.sub("[^a-z0-9.-]+", "-", word.lower()) for word in (parts.hostname or "", _port(parts), parts.path))
    prefix = () if dialect == "drone" else (dialect,)
    return "-".join((*prefix, *(word.strip("-") for word in words if word.strip("-"))))


def _hashed(name: str, text: str) -> str:
    return f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:6]}".lstrip("-")


def _port(parts: SplitResult) -> str:
    return "" if parts.port in (None, _PORTS[parts.scheme]) else str(parts.port)


def _canonical(text: str) -> str:
    parts = urlsplit(text)
    user = parts.netloc.rpartition("@")[0]
    return f"{parts.scheme}://{user}@{parts.hostname}:{_port(parts)}{parts.path or '/'}?{parts.query}"


def sendable(text: str) -> str:
    """The URL with its path written out, so that a query never follows the host at once; scheme and host in lower
    case, as whoever checks a signature of the URL reads them."""
    parts = urlsplit(text)
    user, at, host = parts.netloc.rpartition("@")
    rest = text.partition("://")[2].removeprefix(parts.netloc)
    path = "/" if rest.startswith("?") else ""
    return f"{parts.scheme}://{user}{at}{host.lower()}{path}{rest}"
