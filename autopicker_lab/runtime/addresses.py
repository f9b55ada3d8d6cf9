"""IP addresses as they come in sockets, headers and settings: one form for each, and sets of networks."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Address = IPv4Address | IPv6Address
_SITE_PREFIX = 64  # bits of a network of version 6 that its owner does not choose


def split_port(text: str) -> str:
    """A host without its port and brackets: "1.2.3.4:80", "[::1]:80" and "name:80" as "1.2.3.4", "::1", "name"."""
    text = text.strip().strip('"')
    if text.startswith("["):
        return text[1:].partition("]")[0]
    head, colon, _ = text.partition(":")
    return text if ":" in text[len(head) + 1 :] else head if colon else text


def parse_address(text: str) -> Address | None:
    """The address in a text, with or without port, brackets and zone; None where it is none.

    An address of version 4 that is written as one of version 6 (::ffff:1.2.3.4) is the one of version 4.
    """
    try:
        address = ip_address(split_port(text).partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def client_network(address: Address) -> str:
    """What the requests of an address are counted under: of version 6 its /64, where one client has 2**64 addresses."""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address, _SITE_PREFIX), strict=False))


class AddressSet:
    """Addresses and networks, such as 10.0.0.1, 10.0.0.0/8 and fd00::/8.

    Raises:
        ValueError: an entry is neither; it is named.
    """

    def __init__(self, entries: Iterable[str] = ()):
        self._networks = [_parse_network(entry) for entry in entries]

    @classmethod
    def parse(cls, text: str) -> AddressSet:
        """The set of a comma-separated list; ValueError for an entry that is no address or network."""
        return cls(entry.strip() for entry in text.split(",") if entry.strip())

    def __contains__(self, address: Address) -> bool:
        return any(address in network for network in self._networks)

    def __bool__(self) -> bool:
        return bool(self._networks)


def _parse_network(entry: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        message = f"'{entry}' is no IP address and no network such as 10.0.0.0/8"
        raise ValueError(message) from None
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is not None and network.prefixlen >= 96:
        return ip_network((mapped, network.prefixlen - 96), strict=False)
    return network
