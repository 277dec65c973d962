"""Which proxy leads to a URL.

Law: pure; the environment is read by the settings. NO_PROXY has no standard: what curl, Go and Python's urllib agree on
is taken, and where they differ, the reading that spares the proxy more.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def choose_proxy(url: str, http: str, https: str, no_proxy: Iterable[str]) -> str:
    """The proxy for `url`, "" for none.

    Args:
        url: absolute, http or https.
        http: the proxy for that scheme, "" for none.
        https: likewise.
        no_proxy: what is reached without: `*`, a host with all below it (a leading dot changes nothing), an address, a
            CIDR; each but the first and the last may end in `:port`.
    """
    parts = urlsplit(url)
    proxy = {"http": http, "https": https}.get(parts.scheme, "")
    host = (parts.hostname or "").rstrip(".")
    port = str(parts.port or _PORTS.get(parts.scheme, 0))
    return "" if any(_spares(entry.strip().lower(), host, port) for entry in no_proxy) else proxy


def _spares(entry: str, host: str, port: str) -> bool:
    if entry == "*":
        return True
    address = _address(host)
    if "/" in entry:
        return address is not None and _within(address, entry)
    name, wanted = _split(entry)
    if wanted not in ("", port):
        return False
    if address is not None:
        return _address(name) == address
    name = name.removeprefix("*").strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _split(entry: str) -> tuple[str, str]:
    """Host and port, "" for any; an IPv6 address has brackets where a port follows it."""
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        return name, rest.removeprefix(":")
    if entry.count(":") > 1:
        return entry, ""
    name, _, port = entry.partition(":")
    return name, port


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _within(address: IPv4Address | IPv6Address, network: str) -> bool:
    try:
        return address in ip_network(network, strict=False)
    except ValueError:
        return False
