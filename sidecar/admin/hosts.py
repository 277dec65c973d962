"""Which hosts are served, against DNS rebinding: a page elsewhere that makes its own name lead here sends that name.

Law: pure. An address cannot be rebound, a name can; so a wildcard stands for addresses alone.
"""

import ipaddress
from collections.abc import Collection

LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))


def host_of(header: str) -> str:
    """The host of a `Host` header (RFC 9112, section 3.2) in lower case, without port, brackets and a last dot."""
    host = header.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".")


def is_served(host: str, served: Collection[str]) -> bool:
    """Whether `host` is one of `served`, or an address where a wildcard is served."""
    if host in served:
        return True
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return False
    return "::" in served or (version == 4 and "0.0.0.0" in served)  # noqa: S104 - nothing is bound here


def is_loopback(host: str) -> bool:
    """Whether it is a name or an address of this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK
