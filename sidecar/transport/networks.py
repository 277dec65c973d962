"""Networks that no delivery may connect to.

Law: pure; an address is judged by every address it may stand for, so that no other way to write it evades a rule.
"""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network

_NAT64 = IPv6Network("64:ff9b::/96")
_THIS_HOST: Mapping[IPv4Address | IPv6Address, IPv4Address | IPv6Address] = {
    IPv4Address("0.0.0.0"): IPv4Address("127.0.0.1"),  # noqa: S104 - nothing is bound: connecting to it reaches loopback
    IPv6Address("::"): IPv6Address("::1"),
}


class Blocked(OSError):
    """An address that may not be connected to. An `OSError`, so that a name's other addresses are still tried."""

    def __init__(self, address: str, network: Network) -> None:
        super().__init__(f"{address} is in {network}")
        self.address = address
        self.network = network


def check(address: str, networks: Sequence[Network]) -> None:
    """Raise `Blocked` where one of `networks` holds `address`."""
    for face in _faces(ip_address(address)):
        for network in networks:
            if face in network:
                raise Blocked(address, network)


def _faces(address: IPv4Address | IPv6Address) -> Iterable[IPv4Address | IPv6Address]:
    """The address, and where connecting to it may lead: the IPv4 address in an IPv4-mapped (RFC 4291, 2.5.5.2), NAT64
    (RFC 6052) or 6to4 one (RFC 3056); loopback for the unspecified address."""
    yield address
    if isinstance(address, IPv6Address) and (inner := _embedded(address)):
        yield from _faces(inner)
    if loopback := _THIS_HOST.get(address):
        yield loopback


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
